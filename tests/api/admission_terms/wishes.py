"""Deployments drawn from few values, most of which keep to the agreement that they name."""

from collections.abc import Collection, Sequence
from typing import Any

from api.admission_terms.draws import (
    AGREEMENTS,
    BLOCKS,
    GUARDS,
    IMAGES,
    JUST_ENDED,
    LABS,
    PROFILES,
    RNG,
    STALE,
    START,
    SUPPLIERS,
    USES,
    Pick,
    guard,
)
from api.admission_terms.states import DIGEST, STANDINGS, TERMS
from casemate.api.agreement import Term
from casemate.api.supplier import SupplierSpec
from casemate.core import agreements
from casemate.core.standing import APPROVED, standing
from unit.api.cases import AGREEMENT, SPEC, Json, changed

_PODS = (1, 2, 0, 3, 4, 5, 8, 9)
_GPUS: tuple[Json, ...] = (
    {},
    {"limits": {"example.com/gpu": 2}},
    {"limits": {"example.com/gpu": "3", "cpu": "1"}},
)
_PACTS = {**AGREEMENTS, **{name: spec for name, (spec, _) in TERMS.items()}}
_ANY: dict[str, tuple[Any, ...]] = {
    "agreementRef.name": (*_PACTS, JUST_ENDED, "ghost", *["future", "past"] * 2),
    "use": USES,
    "model.supplier": (*LABS * 2, *STANDINGS, "ghost"),
    "base": (None, *LABS * 2, *STANDINGS, "ghost"),
    "model.source.oci.image": IMAGES,
    "engine.image": IMAGES,
    "profile": (None, *PROFILES, "tpu"),
    "guardrails": tuple((name, image) for image in IMAGES for name in GUARDS),
    "replicas": _PODS,
    "suspend": (False, True),
    "engine.resources": _GPUS,
    "access.egress": (None, *BLOCKS),
}
_GROWING = ("replicas", "suspend", "engine.resources", "profile")
_OFTEN = ("agreementRef.name", "model.supplier", "base", "replicas", "suspend")
AT_ODDS = (*(None for _ in _ANY), *_ANY, *_OFTEN * 2)
"""The field that keeps to nothing, or none."""
_IN_FORCE = tuple(
    name
    for name, spec in _PACTS.items()
    if name not in STALE
    and agreements.phase(Term.model_validate(spec["term"]), START) == agreements.IN_FORCE
    and TERMS.get(name, ({}, {"phase": "InForce"}))[1] == {"phase": "InForce"}
)
_LABS_AND_STATES = SUPPLIERS | {
    name: spec for name, (spec, status) in STANDINGS.items() if status == {"standing": "Approved"}
}
_APPROVED = {
    name
    for name, spec in _LABS_AND_STATES.items()
    if name not in STALE and standing(SupplierSpec.model_validate(spec), START).standing == APPROVED
}


def deployment(
    pick: Pick, at_odds: Collection[str | None], under: Sequence[str] = _IN_FORCE
) -> Json:
    """The spec of a deployment that keeps to the agreement it names, but for some fields."""
    names = _ANY["agreementRef.name"] if "agreementRef.name" in at_odds else under
    spec = changed("agreementRef.name", pick(names), SPEC)
    pact = _PACTS.get(spec["agreementRef"]["name"], AGREEMENT)
    for field, values in _ANY.items():
        if field != "agreementRef.name":
            spec = _with(spec, field, pick(values if field in at_odds else _kept(pact, field)))
    return spec


def change(pick: Pick, spec: Json) -> Json:
    """A deployment's spec with up to three fields changed."""
    for field in {pick((*_GROWING, *_OFTEN, *_ANY)) for _ in range(pick((1, 1, 2, 3)))}:
        spec = _with(spec, field, pick(_ANY[field]))
    return spec


def _kept(pact: Json, field: str) -> tuple[Any, ...]:
    """The values of a field that keep to an agreement."""
    images = [one for one in IMAGES if one.startswith(tuple(f"{r}/" for r in pact["registries"]))]
    required = {one["name"] for one in pact.get("requiredGuardrails", [])}
    required |= {"twin"} if "pii" in required else set()  # it has the same port
    capacity = pact["capacity"]
    most = min(capacity["maxReplicas"], capacity.get("maxReplicasEach", 100))
    approved = [one for one in pact["suppliers"] if one in _APPROVED] or pact["suppliers"]
    return {
        "use": tuple(one["id"] for one in pact["allowedUses"]),
        "model.supplier": (*approved,),
        "base": (None, None, *approved),
        "profile": (None, *(one["name"] for one in capacity.get("profiles", []))),
        "guardrails": (None, *((one, i) for i in images for one in GUARDS if one not in required)),
        "replicas": tuple(one for one in _PODS if one <= most),
        "suspend": (False, False, True),
        "engine.resources": _GPUS[:1],
        "access.egress": (None, *pact.get("enclaveCIDRs", ())),
    }.get(field, (*images,) or IMAGES)


def _with(spec: Json, field: str, value: Any) -> Json:
    if field == "base":
        bare = {k: v for k, v in spec["model"].items() if k not in ("variant", "base")}
        base = {"variant": "FineTune", "base": {"supplier": value, "digest": DIGEST}}
        return spec | {"model": bare | (base if value else {})}
    if field == "guardrails":
        return spec | {"guardrails": [guard(*value)] if value else []}
    if field == "access.egress":
        ways = [{"cidr": value, "ports": [{"port": 443}]}] if value else []
        return changed(field, ways, spec)
    if field == "profile" and value is None:
        return {k: v for k, v in spec.items() if k != "profile"}
    return changed(field, value, spec)


def _listing(lab: str) -> tuple[str, ...]:
    """The agreements in force that name a supplier."""
    return tuple(name for name in _IN_FORCE if lab in _PACTS[name]["suppliers"]) or _IN_FORCE


_SOUND = {lab: deployment(RNG.choice, (), _listing(lab)) for lab in SUPPLIERS}
DEPLOYED: dict[str, Json] = {
    JUST_ENDED: changed("agreementRef.name", JUST_ENDED, SPEC),
    **{f"of-{lab}": _with(spec, "model.supplier", lab) for lab, spec in _SOUND.items()},
}
"""What exists before the policies: one deployment of each supplier, and one to wind down."""
