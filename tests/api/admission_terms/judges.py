"""What the operator says of a deployment, asked in its own words over the objects as stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from api.admission_terms import draws, wishes
from api.admission_terms.world import DOMAIN, INDEXES, PLACE, World
from casemate.api.terms import spelled
from casemate.api.v1alpha1 import ModelDeploymentSpec
from casemate.cluster.keys import Key, TermsKey
from casemate.cluster.terms import TermsStore
from casemate.controller.bundle import SHIPPED
from casemate.core import terms_status
from casemate.core.findings import Deployment, Finding
from casemate.core.permission import permit
from enclave.waiting import until
from unit.api.cases import Json

_MEDIA = "application/merge-patch+json"
_KINDS = {"UsageAgreement": "usageagreements", "Supplier": "suppliers"}


@dataclass(frozen=True)
class Operator:
    """The operator's memory of a world, without its hands."""

    store: TermsStore
    deployments: Mapping[str, Json]

    @classmethod
    def of(cls, world: World) -> "Operator":
        """Reads everything there is."""
        store = TermsStore()
        for kind, plural in _KINDS.items():
            for body in world.admin.request("GET", f"{DOMAIN}/{plural}")["items"]:
                store.put(kind, body | {"kind": kind})
        path = f"{DOMAIN}/namespaces/{PLACE}/modeldeployments"
        found = {i["metadata"]["name"]: i for i in world.admin.request("GET", path)["items"]}
        for name, body in found.items():
            store.tie(Key(PLACE, name), body)
        return cls(store, found)

    def spec(self, name: str) -> Json:
        """The spec of a deployment, as stored."""
        spec: Json = self.deployments[name]["spec"]
        return spec

    def new(self, spec: Json) -> list[Finding]:
        """What does not hold for a deployment that is made now."""
        meta = {"uid": "uid-new", "generation": 1, "creationTimestamp": spelled(datetime.now(UTC))}
        return self._found("new", {"metadata": meta, "spec": spec}, 0)

    def changed(self, name: str, spec: Json) -> list[Finding]:
        """What does not hold for a deployment once its spec is this one."""
        old = self.deployments[name]
        meta = old["metadata"] | {"generation": old["metadata"]["generation"] + 1}
        running = 0 if old["spec"]["suspend"] else old["spec"]["replicas"]
        return self._found(name, old | {"metadata": meta, "spec": spec}, running)

    def _found(self, name: str, body: Json, running: int) -> list[Finding]:
        key, meta = Key(PLACE, name), body["metadata"]
        spec = ModelDeploymentSpec.model_validate(body["spec"])
        one = Deployment(PLACE, meta["uid"], meta["creationTimestamp"], spec, running)
        self.store.tie(key, body)
        try:
            found = permit(self.store.terms_of(key), one, SHIPPED.version, datetime.now(UTC))
        finally:
            self.store.tie(key, self.deployments.get(name))
        return [finding for finding in found.findings if finding.status != "True"]

    def judge(self, world: World, named: Mapping[str, Iterable[str]]) -> None:
        """Writes the status of agreements and suppliers, as the operator would."""
        for kind, names in named.items():
            for name in names:
                now = draws.LONG_AGO if name in draws.STALE else datetime.now(UTC)
                status = self._status(kind, name, now)
                world.admin.request(
                    "PATCH", f"{DOMAIN}/{_KINDS[kind]}/{name}/status", {"status": status}, _MEDIA
                )

    def _status(self, kind: str, name: str, now: datetime) -> Mapping[str, Any]:
        body = self.store.get(TermsKey(kind, name))
        assert body is not None
        if kind == "Supplier":
            return terms_status.of_supplier(body, self.store.behind(name), now).status
        return terms_status.of_agreement(body, self.store.grant(name), now).status


def fill(world: World) -> Operator:
    """Makes deployments, agreements and suppliers by drawing, and judges them."""
    for name, spec in wishes.DEPLOYED.items():
        world.deploy(name, spec)
    over = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    for name, spec in draws.SUPPLIERS.items():
        world.define("Supplier", name, spec, None)
    pacts = draws.AGREEMENTS | {draws.JUST_ENDED: draws.ends(over)}
    for name, spec in pacts.items():
        world.define("UsageAgreement", name, spec, None)
    until(lambda: datetime.now(UTC) >= over, 30, f"it never was {over}")
    Operator.of(world).judge(world, {"UsageAgreement": pacts, "Supplier": draws.SUPPLIERS})
    known = {f"agreement.{name}": "InForce" for name in pacts}
    known |= {f"supplier.{name}": "Approved" for name in draws.SUPPLIERS}
    index = f"{INDEXES}/casemate-terms"
    world.admin.request("PATCH", index, {"data": known}, _MEDIA)
    return Operator.of(world)
