"""The memory of agreements and suppliers, and of what deployments ask of them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from casemate.api.agreement import UsageAgreementSpec
from casemate.api.v1alpha1 import ModelDeploymentSpec
from casemate.cluster.keys import Key, TermsKey
from casemate.cluster.kinds import SUPPLIER, USAGE_AGREEMENT
from casemate.cluster.records import version_of
from casemate.core.agreements import Claim, Grant, allocate, claim
from casemate.core.findings import Terms, artifacts, suppliers_of
from casemate.core.inventory import Behind

Body = Mapping[str, Any]
NO_GRANT = Grant(replicas={}, used=0, granted=0, accelerators=0)


class Tie(NamedTuple):
    """How one deployment is tied to its terms."""

    agreement: str
    suppliers: frozenset[str]
    claim: Claim
    behind: Behind
    version: tuple[str, int]
    """UID and generation that it was read from."""

    def counted_by(self) -> set[TermsKey]:
        """The agreement and the suppliers whose status counts this deployment."""
        return {
            TermsKey(USAGE_AGREEMENT.kind, self.agreement),
            *(TermsKey(SUPPLIER.kind, one) for one in self.suppliers),
        }


class TermsStore:
    """All known agreements and suppliers, and the ties of all deployments."""

    def __init__(self) -> None:
        self._objects: dict[TermsKey, dict[str, Any]] = {}
        self._ties: dict[Key, Tie] = {}
        self._grants: dict[str, Grant] = {}
        self.doubt: Callable[[], str] = str
        """Says why the clock is not to be trusted, or nothing."""

    def put(self, kind: str, body: Body) -> TermsKey | None:
        """Takes in an agreement or supplier; its key if that was news."""
        key = TermsKey(kind, body["metadata"]["name"])
        known = self._objects.get(key)
        if known is not None and version_of(known) >= version_of(body):
            return None
        meta = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
        self._objects[key] = {**body, "metadata": meta}
        self._grants.pop(key.name, None)
        return key

    def drop(self, kind: str, name: str) -> TermsKey:
        """Forgets an agreement or supplier."""
        self._objects.pop(TermsKey(kind, name), None)
        self._grants.pop(name, None)
        return TermsKey(kind, name)

    def keep_only(self, kind: str, names: set[str]) -> set[TermsKey]:
        """Forgets every object of a kind that a complete list did not show."""
        gone = {key for key in self._objects if key.kind == kind and key.name not in names}
        return {self.drop(key.kind, key.name) for key in gone}

    def get(self, key: TermsKey) -> dict[str, Any] | None:
        """One agreement or supplier."""
        return self._objects.get(key)

    def known(self) -> list[TermsKey]:
        """Every known agreement and supplier."""
        return sorted(self._objects)

    def tie(self, key: Key, body: Body | None) -> set[TermsKey]:
        """Takes in what a deployment asks for now (None: it is gone); whose counts that changes."""
        old = self._ties.get(key)
        if old and body is not None and old.version == _version(body):
            return set()
        self._ties.pop(key, None)
        new = _tie(body) if body is not None else None
        if new:
            self._ties[key] = new
        touched = (old.counted_by() if old else set()) | (new.counted_by() if new else set())
        for one in touched:
            self._grants.pop(one.name, None)
        return touched

    def dependents(self, key: TermsKey) -> list[Key]:
        """The deployments that an agreement or a supplier is about."""
        return [one for one, tie in self._ties.items() if key in tie.counted_by()]

    def behind(self, supplier: str) -> list[Behind]:
        """The deployments whose model, or whose model's base, is of a supplier."""
        return [tie.behind for tie in self._ties.values() if supplier in tie.suppliers]

    def grant(self, agreement: str) -> Grant:
        """What each deployment of an agreement may have; nothing where the terms are not valid."""
        if agreement not in self._grants:
            body = self._objects.get(TermsKey(USAGE_AGREEMENT.kind, agreement))
            claims = [tie.claim for tie in self._ties.values() if tie.agreement == agreement]
            self._grants[agreement] = _allocated(body, claims)
        return self._grants[agreement]

    def terms_of(self, key: Key) -> Terms:
        """What is known about the terms of one deployment."""
        tie = self._ties.get(key)
        if tie is None:
            return Terms(clock_doubtful=self.doubt())
        found = {one: self._objects.get(TermsKey(SUPPLIER.kind, one)) for one in tie.suppliers}
        return Terms(
            agreement=self._objects.get(TermsKey(USAGE_AGREEMENT.kind, tie.agreement)),
            suppliers={name: body for name, body in found.items() if body is not None},
            granted=self.grant(tie.agreement).replicas.get(tie.claim.uid, 0),
            clock_doubtful=self.doubt(),
        )

    def index(self, coming: Mapping[TermsKey, Mapping[str, Any]] | None = None) -> dict[str, str]:
        """Phase of each agreement and standing of each supplier, as their status says.

        Args:
            coming: Statuses that are about to be written.
        """
        named = {
            USAGE_AGREEMENT.kind: ("agreement", "phase"),
            SUPPLIER.kind: ("supplier", "standing"),
        }
        found = {}
        for key, body in self._objects.items():
            prefix, field = named[key.kind]
            status = (coming or {}).get(key, body.get("status", {}))
            found[f"{prefix}.{key.name}"] = str(status.get(field, "Unknown"))
        return dict(sorted(found.items()))


def _tie(body: Body) -> Tie | None:
    """The tie of a deployment; none for a spec that breaks a rule: it is left as it is."""
    try:
        spec = ModelDeploymentSpec.model_validate(body.get("spec"))
    except ValidationError:
        return None
    meta = body["metadata"]
    return Tie(
        agreement=spec.agreement_ref.name,
        suppliers=frozenset(suppliers_of(spec).values()),
        claim=claim(meta, spec),
        behind=Behind(meta["creationTimestamp"], meta["uid"], spec.replicas, artifacts(spec)),
        version=_version(body),
    )


def _version(body: Body) -> tuple[str, int]:
    return body["metadata"]["uid"], body["metadata"]["generation"]


def _allocated(body: Body | None, claims: Iterable[Claim]) -> Grant:
    if body is None:
        return NO_GRANT
    try:
        spec = UsageAgreementSpec.model_validate(body.get("spec"))
    except ValidationError:
        return NO_GRANT
    return allocate((one.under(spec) for one in claims), spec.capacity)
