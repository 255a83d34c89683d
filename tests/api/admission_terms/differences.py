"""Where the API server and the operator may say different things of a deployment, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from api.admission_terms.judges import Operator
from casemate.api.agreement import Term
from casemate.api.conditions import ConditionType
from casemate.api.supplier import SupplierSpec
from casemate.cluster.keys import TermsKey
from casemate.core import agreements, standing
from casemate.core.findings import Finding
from unit.api.cases import Json


@dataclass(frozen=True)
class Answer:
    """What both sides said of one request.

    Attributes:
        spec: The deployment that was asked for.
        refusal: The sentence of the API server; "" if it accepts.
        findings: What does not hold in the operator's eyes.
        old: The deployment as it is, when it is to be changed.
    """

    operator: Operator
    spec: Json
    refusal: str
    findings: list[Finding]
    old: Json | None = None

    @property
    def agreement(self) -> Json:
        """The agreement that it names."""
        name = self.spec["agreementRef"]["name"]
        return self.operator.store.get(TermsKey("UsageAgreement", name)) or {}

    @property
    def suppliers(self) -> list[Json]:
        """The suppliers behind its model."""
        model = self.spec["model"]
        names = {model["supplier"], *([model["base"]["supplier"]] if "base" in model else [])}
        found = (self.operator.store.get(TermsKey("Supplier", name)) for name in names)
        return [body for body in found if body]


@dataclass(frozen=True)
class Difference:
    """One way in which the two sides differ on purpose."""

    why: str
    covers: Callable[[Answer], bool]


def _lags(answer: Answer) -> bool:
    """Whether the refusal is about an object whose status is not what its spec says now."""
    now = datetime.now(UTC)
    return any(
        f" {body['metadata']['name']} is " in answer.refusal and _outdated(body, now)
        for body in (answer.agreement, *answer.suppliers)
        if body
    )


def _outdated(body: Json, now: datetime) -> bool:
    status, generation = body.get("status", {}), body["metadata"]["generation"]
    if body["kind"] == "UsageAgreement":
        phase = agreements.phase(Term.model_validate(body["spec"]["term"]), now)
        return bool(status.get("phase") != phase)
    found = standing.standing(SupplierSpec.model_validate(body["spec"]), now).standing
    return bool(status.get("standing") != found or status.get("observedGeneration") != generation)


def _grows(answer: Answer) -> bool:
    """Whether more is asked of a supplier that is phased out, of what no inventory counts."""
    return "a supplier whose standing is Approved" in answer.refusal and answer.old is not None


REFUSED_BY_ADMISSION_ALONE = {
    "origin": Difference(
        "whose registry an image is from is asked when a model is named; the operator looks at "
        "the suppliers that are named",
        lambda answer: "belongs to supplier" in answer.refusal,
    ),
    "status": Difference(
        "admission goes by the status that the operator wrote last, the operator by the spec: "
        "what is not judged yet is refused, and what was forbidden stays so until it is judged",
        _lags,
    ),
    "suspended": Difference(
        "admission counts the pods that a suspended deployment would have once it resumes",
        lambda answer: answer.spec["suspend"] and "spec.replicas: " in answer.refusal,
    ),
}
CHANGE_REFUSED_BY_ADMISSION_ALONE = REFUSED_BY_ADMISSION_ALONE | {
    "winding down": Difference(
        "what was made in the term runs on as it is: admission alone knows what it was before",
        lambda answer: "whose phase is InForce" in answer.refusal,
    ),
    "growth": Difference(
        "the inventory holds pods, model and engine; a start after a suspension, devices and "
        "profile are seen to grow only by who sees the deployment before and after",
        _grows,
    ),
}


def _together(answer: Answer) -> bool:
    """Whether it is too much only beside the others, or for the devices that it asks for."""
    capacity, replicas = answer.agreement["spec"]["capacity"], answer.spec["replicas"]
    alone = replicas <= min(capacity["maxReplicas"], capacity["maxReplicasEach"])
    return alone and all(
        one.type == ConditionType.CAPACITY_GRANTED and "the agreement's capacity" in one.message
        for one in answer.findings
    )


REFUSED_BY_OPERATOR_ALONE = {
    "sum": Difference(
        "only the operator sees all deployments of an agreement, and so what is left of its pods "
        "and devices",
        _together,
    ),
}
