"""What an agreement says at a moment: its phase, its terms' digest, what each deployment gets."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from casemate.api.agreement import Capacity, Term, UsageAgreementSpec
from casemate.api.cidrs import within
from casemate.api.egress import Egress
from casemate.api.quantities import Resources, amount
from casemate.api.terms import instant
from casemate.api.v1alpha1 import ModelDeploymentSpec
from casemate.audit import sealing
from casemate.core.digests import digest_of
from casemate.core.findings import asked

PENDING, IN_FORCE, WINDING_DOWN, ENDED = "Pending", "InForce", "WindingDown", "Ended"


def phase(term: Term, now: datetime) -> str:
    """Where the term stands by the clock; each phase begins with its first moment."""
    if now < instant(term.start):
        return PENDING
    if now < instant(term.end):
        return IN_FORCE
    return WINDING_DOWN if now < stops_at(term) else ENDED


def stops_at(term: Term) -> datetime:
    """When what runs must stop: days are of 24 hours, whatever the calendar does."""
    return instant(term.end) + timedelta(days=term.wind_down_days)


def boundaries(term: Term, now: datetime) -> list[datetime]:
    """The moments after `now` at which the phase, or the days left of it, change."""
    last = stops_at(term)
    moments = [instant(term.start), instant(term.end), last]
    if instant(term.end) <= now < last:
        moments.append(last - timedelta(days=(last - now).days))
    return sorted(one for one in moments if one > now)


def digest(spec: UsageAgreementSpec) -> str:
    """Digest of the terms, defaults written out."""
    return digest_of(plain(spec))


def plain(spec: UsageAgreementSpec) -> dict[str, Any]:
    """The terms as plain data, defaults written out: what the digest is of."""
    return spec.model_dump(mode="json", by_alias=True, exclude_none=True)


def unsealable(spec: UsageAgreementSpec) -> str:
    """Why nothing can be sealed to the agreement's key, or nothing; having no key is no reason."""
    if spec.audit.public_key is None:
        return ""
    try:
        sealing.recipient(spec.audit.public_key)
    except sealing.SealError:
        return (
            "spec.audit.publicKey: must be an X25519 public key in PEM, such as "
            "`openssl pkey -in key.pem -pubout` prints for a key that "
            "`openssl genpkey -algorithm X25519 -out key.pem` made"
        )
    return ""


def reaches(spec: UsageAgreementSpec, peer: Egress) -> bool:
    """Whether a deployment may connect to a peer: to pods by their labels, to blocks inside."""
    return peer.cidr is None or any(within(peer.cidr, outer) for outer in spec.enclave_cidrs)


def accelerators(resources: Resources) -> int:
    """Devices that one pod asks for: extended resources, such as example.com/gpu."""
    limits = {**(resources.requests or {}), **(resources.limits or {})}
    counted = [amount(value) or Decimal(0) for name, value in limits.items() if "/" in name]
    return int(sum(counted, Decimal(0)))


class Claim(NamedTuple):
    """What one deployment asks of its agreement."""

    created: str
    """Its creationTimestamp, which the API server sets."""
    uid: str
    replicas: int
    accelerators: int
    """For each pod, as far as the deployment's own spec tells."""
    profile: str = ""
    """Profile whose resources the engine has; empty where it has its own."""

    def under(self, terms: UsageAgreementSpec) -> "Claim":
        """The claim with the devices that profile and required guardrails bring to each pod."""
        places = (one.resources for one in terms.capacity.profiles if one.name == self.profile)
        guards = (one.resources for one in terms.required_guardrails)
        return self._replace(
            accelerators=self.accelerators + sum(map(accelerators, (*places, *guards)))
        )


def claim(meta: Mapping[str, Any], spec: ModelDeploymentSpec) -> Claim:
    """What a deployment with this metadata and spec asks for."""
    engine = spec.engine.resources
    own = engine.model_dump(exclude_none=True)
    return Claim(
        created=meta["creationTimestamp"],
        uid=meta["uid"],
        replicas=asked(spec),
        accelerators=sum(map(accelerators, (engine, *(one.resources for one in spec.guardrails)))),
        profile="" if own else spec.profile or "",
    )


class Grant(NamedTuple):
    """What all deployments of an agreement together have."""

    replicas: dict[str, int]
    """Pods granted, by UID."""
    used: int
    """Pods asked for."""
    granted: int
    accelerators: int
    """Devices granted."""


def allocate(claims: Iterable[Claim], capacity: Capacity) -> Grant:
    """Grants capacity, oldest first: the floor to everybody, then of the rest what is left.

    A deployment that is stopped by an order or by the clock keeps its part, so that it can resume.
    """
    ordered = sorted(claims, key=lambda one: (one.created, one.uid))
    granted = {one.uid: 0 for one in ordered}
    pods, devices = capacity.max_replicas, capacity.max_accelerators
    for least in (True, False):
        for one in ordered:
            wanted = min(one.replicas, capacity.max_replicas_each)
            more = (min(wanted, capacity.floor) if least else wanted) - granted[one.uid]
            more = min(more, pods, devices // one.accelerators if one.accelerators else more)
            granted[one.uid] += more
            pods -= more
            devices -= more * one.accelerators
    return Grant(
        replicas=granted,
        used=sum(one.replicas for one in ordered),
        granted=capacity.max_replicas - pods,
        accelerators=capacity.max_accelerators - devices,
    )
