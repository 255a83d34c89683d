"""States of the three kinds, and what GitOps tools must make of each."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from support.approvals import switch
from support.terms import AGREEMENT_SPEC, agreement, directive, supplier
from unit.api.cases import IMAGE, SPEC, Json, changed
from unit.core import health_states as made
from unit.core.health_states import OTHERS, existed, fresh, judged, ordered, under

DEADLINE = datetime(2026, 9, 1, tzinfo=UTC)
DOUBT = "the clock is 99 s apart from the API server's"
TERM = AGREEMENT_SPEC["term"]
GUARD = {"name": "pii", "image": IMAGE, "port": 8100}
WAIVER = {
    "name": "winter", "namespaces": ["models"], "until": "2026-12-01T00:00:00Z",
    "owner": "Harbour Master", "justification": "no replacement yet",
}  # fmt: skip


class Verdicts(NamedTuple):
    """What kstatus, Argo CD and Flux must say."""

    kstatus: str
    argo: str
    flux: str


WORKING = Verdicts("InProgress", "Progressing", "InProgress")
WELL = Verdicts("Current", "Healthy", "Current")
ASLEEP = Verdicts("Current", "Suspended", "Current")
FAILED = Verdicts("Failed", "Degraded", "Failed")

Cases = dict[str, tuple[Callable[[], Json], Verdicts]]


def term(start: str = TERM["start"], end: str = TERM["end"]) -> Json:
    return agreement(term={"start": start, "end": end, "windDownDays": 30})


def blocked(name: str) -> Json:
    order = directive()
    del order["phaseOutEndsAt"]
    return judged(supplier(name, directives=[order]))


def on(*terms: Json, **spec: Any) -> Callable[[], Json]:
    """A deployment that served before these terms and one changed field of its spec."""
    wanted = SPEC
    for at, value in spec.items():
        wanted = changed(at.replace("__", "."), value, wanted)
    return lambda: under(*terms, spec=wanted)


UNAPPROVED = fresh({**supplier(), "spec": {}})

DEPLOYMENTS: Cases = {
    "new, not looked at yet": (made.new, WORKING),
    "a newer spec, not looked at yet": (made.edited, WORKING),
    "its parts are being applied": (made.beginning, WORKING),
    "its pods are starting": (made.rolling_out, WORKING),
    "serving": (under, WELL),
    "its isolation is proven": (made.isolated, WELL),
    "its isolation is lost": (
        lambda: made.isolated("NotEnforced", "reached the canary", availableReplicas=0), WORKING,
    ),
    "its isolation is not proven": (
        lambda: made.isolated("Inconclusive", "too old", availableReplicas=0), WORKING,
    ),
    "the warden is silent": (lambda: made.isolated(silent="not heard"), WELL),
    "its pods keep to the guard's policy": (lambda: made.guarded(""), WELL),
    "a pod keeps to another policy": (lambda: made.guarded("", "sha256:0"), WELL),
    "a part was deleted and comes back": (made.drifted, WORKING),
    "suspended": (on(suspend=True), ASLEEP),
    "scaled to zero": (on(replicas=0), WELL),
    "stopped by a kill switch": (lambda: made.stopped(switch("s", "eve")), FAILED),
    "whether it is stopped is not known": (lambda: made.stopped(known=False), WORKING),
    "the rollout takes too long": (made.late, FAILED),
    "a spec that this version refuses": (on(replicas=-1), FAILED),
    "a name that is taken": (made.taken, FAILED),
    "a part that somebody changes again and again": (made.contested, FAILED),
    "a part that the API server refuses": (made.refused_by_the_server, FAILED),
    "the clock is in doubt": (lambda: under(doubt=DOUBT), WORKING),
    "new while the clock is in doubt": (lambda: made.begun_under(doubt=DOUBT), WORKING),
    "no agreement of that name": (on(agreementRef__name="other"), FAILED),
    "an agreement that this version refuses": (
        on(agreement(redLines=[]), supplier(), *OTHERS), FAILED,
    ),
    "the agreement has not begun": (
        on(term(start="2026-04-01T00:00:00Z"), supplier()), FAILED,
    ),
    "the agreement winds down": (on(term(end="2026-02-20T00:00:00Z"), supplier()), WELL),
    "the agreement is over": (on(term(end="2026-01-02T00:00:00Z"), supplier()), FAILED),
    "suspended, and the agreement is over": (
        on(term(end="2026-01-02T00:00:00Z"), supplier(), suspend=True), FAILED,
    ),
    "a use that the agreement does not allow": (on(use="planning"), FAILED),
    "a supplier that it does not name": (on(model__supplier="stranger"), FAILED),
    "a registry that it does not name": (
        on(agreement(registries=["registry.enclave.local/other"]), supplier()), FAILED,
    ),
    "a profile that it does not have": (on(profile="big"), FAILED),
    "a way out of the agreement's blocks": (
        on(access__egress=[{"cidr": "10.30.0.0/16", "ports": [{"port": 443}]}]), FAILED,
    ),
    "a guardrail with a required one's name": (
        on(agreement(requiredGuardrails=[GUARD]), supplier(), guardrails=[GUARD]), FAILED,
    ),
    "a guard that is too old for the agreement": (
        on(agreement(guard={"minimumBundleVersion": 20_270_101}), supplier()), FAILED,
    ),
    "more pods than there is capacity for": (
        on(agreement(capacity={"maxReplicas": 2, "floor": 1}), supplier(), replicas=3), FAILED,
    ),
    "no supplier of that name": (on(agreement()), FAILED),
    "a supplier that this version refuses": (
        on(agreement(), supplier(directives=[directive(state="Maybe")])), FAILED,
    ),
    "a supplier that nobody approved": (on(agreement(), UNAPPROVED), FAILED),
    "a supplier that is being phased out": (lambda: ordered(existed()), WELL),
    "more pods while it is being phased out": (
        lambda: ordered(existed(), spec=changed("replicas", 3)), FAILED,
    ),
    "what existed is being recorded": (
        on(agreement(), fresh(supplier(directives=[directive()])), *OTHERS), WORKING,
    ),
    "it did not exist when the order took effect": (ordered, FAILED),
    "the order's deadline has passed": (lambda: ordered(existed(), moment=DEADLINE), FAILED),
    "a waiver covers it past the deadline": (
        lambda: ordered(existed(), moment=DEADLINE, waivers=[WAIVER]), WELL,
    ),
    "a base whose supplier is blocked": (
        lambda: under(
            agreement(), supplier(), blocked("base-lab"), spec=made.with_base("base-lab")
        ),
        FAILED,
    ),
}  # fmt: skip

AGREEMENTS: Cases = {
    "new, not looked at yet": (lambda: fresh(agreement()), WORKING),
    "newer terms, not looked at yet": (lambda: made.again(judged(agreement())), WORKING),
    "not begun": (lambda: judged(term(start="2026-04-01T00:00:00Z")), WELL),
    "in force": (lambda: judged(agreement()), WELL),
    "winding down": (lambda: judged(term(end="2026-02-20T00:00:00Z")), WELL),
    "over": (lambda: judged(term(end="2026-01-02T00:00:00Z")), WELL),
    "terms that this version refuses": (lambda: judged(agreement(redLines=[])), FAILED),
}

SUPPLIERS: Cases = {
    "new, not looked at yet": (lambda: fresh(supplier()), WORKING),
    "a newer decision, not looked at yet": (lambda: made.again(judged(supplier())), WORKING),
    "approved": (lambda: judged(supplier()), WELL),
    "not approved": (lambda: judged(UNAPPROVED), WELL),
    "being phased out": (lambda: judged(supplier(directives=[directive()])), WELL),
    "blocked": (lambda: blocked("open-lab"), WELL),
    "a decision that this version refuses": (
        lambda: judged(supplier(directives=[directive(state="Maybe")])), FAILED,
    ),
}  # fmt: skip

CASES = {
    (kind, says): case
    for kind, cases in (
        ("ModelDeployment", DEPLOYMENTS),
        ("UsageAgreement", AGREEMENTS),
        ("Supplier", SUPPLIERS),
    )
    for says, case in cases.items()
}
"""By kind and sentence: how the object comes about, and what must be said of it."""
