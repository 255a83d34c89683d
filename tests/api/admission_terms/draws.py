"""Agreements and suppliers drawn from few values, so that what is asked of them often meets them.

Every draw goes through a `pick`: that of a random generator with a fixed seed for what is made
once, that of hypothesis for what is asked.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from api.admission_terms.states import DIGEST, STANDINGS
from casemate.api.terms import spelled
from unit.api.cases import AGREEMENT, DIRECTIVE, SUPPLIER, Json

Pick = Callable[[Sequence[Any]], Any]

START = datetime.now(UTC).replace(microsecond=0)
"""Moments are drawn around it, years away from the clock of any run."""
LONG_AGO = START - timedelta(days=400)

USES = ("logistics-optimization", "planning", "translation")
_REGISTRIES = ("registry.enclave.local", "registry.enclave.local/owned", "registry.other.local")
IMAGES = tuple(
    f"{place}/m@{DIGEST}"
    for place in (
        "registry.enclave.local/models",
        "registry.enclave.local/owned",
        "registry.enclave.local/owned2",
        "registry.enclave.local.evil/models",
        "registry.other.local/models",
        "r.local/a",
    )
)
OWNED = IMAGES[1]
BLOCKS = ("10.20.0.0/16", "10.20.7.0/24", "fd00:20::/32", "10.0.0.0/8", "fd00:20::/31", "a14::/32")
"""Blocks of addresses; no agreement has the last three."""
PROFILES, GUARDS = ("gpu", "big"), ("pii", "toxicity", "own", "twin")
_PORTS = {"pii": 8090, "toxicity": 8091, "own": 8092, "twin": 8090}
LABS = tuple(f"lab-{n}" for n in range(12))


def _moment(days: int) -> str:
    return spelled(START + timedelta(days=days))


def _some(pick: Pick, values: Sequence[Any], least: int = 0) -> list[Any]:
    """Most of the values, in their order."""
    found = [one for one in values if pick((True, True, False))]
    return found if len(found) >= least else [*values[:least]]


def agreement(pick: Pick) -> Json:
    """The spec of an agreement."""
    start, end, wind_down = pick(
        ((-500, 500, 0), (-500, 500, 9), (-800, -300, 0), (-800, -300, 3650), (-300, 900, 0),
         (-300, 900, 30), (300, 900, 0))
    )  # fmt: skip
    most, each = pick(((8, 4), (8, 4), (100, 4), (4, 100), (100, 100)))
    return AGREEMENT | {
        "term": {"start": _moment(start), "end": _moment(end), "windDownDays": wind_down},
        "allowedUses": [{"id": use, "description": use} for use in _some(pick, USES, 1)],
        "suppliers": _some(pick, (*LABS, *STANDINGS, "ghost"), 1),
        "registries": _some(pick, _REGISTRIES, 1),
        "requiredGuardrails": [guard(name, IMAGES[0]) for name in _some(pick, GUARDS[:2])],
        "enclaveCIDRs": _some(pick, BLOCKS[:3]),
        "capacity": {
            "maxReplicas": most,
            "maxReplicasEach": each,
            "maxAccelerators": pick((100, 4)),
            "profiles": [{"name": name} for name in _some(pick, PROFILES)],
        },
    }


def guard(name: str, image: str) -> Json:
    return {"name": name, "image": image, "port": _PORTS[name]}


def supplier(pick: Pick) -> Json:
    """The spec of a supplier."""
    ends = pick((None, None, None, 300, -300))
    approval = SUPPLIER["approval"] | ({} if ends is None else {"until": _moment(ends)})
    registries = pick(((), (), (), ("registry.enclave.local/owned",)))
    orders = [_directive(pick, f"D-{n}") for n in range(pick((0, 1, 1, 1, 2)))]
    spec = {"identities": {"registries": [*registries]}, "directives": orders}
    return spec | ({"approval": approval} if pick((*[True] * 7, False)) else {})


def _directive(pick: Pick, reference: str) -> Json:
    begins, ends = pick(((-600, 600), (-600, -100), (-200, 200), (-200, None), (100, 300)))
    state = pick((*["Effective"] * 5, "Stayed", "Proposed", "Revoked"))
    closed = pick((None, None, (-150, -50), (-150, 150)))
    stays = [{"from": _moment(closed[0]), "until": _moment(closed[1])}] if closed else []
    stays += [{"from": _moment(-100)}] if state == "Stayed" else []
    dated = {"effectiveAt": _moment(begins)}
    dated |= {"phaseOutEndsAt": _moment(ends)} if ends is not None else {}
    return DIRECTIVE | dated | {"reference": reference, "state": state, "stays": stays}


RNG = Random(9)
"""What is made once is the same in every run."""
SUPPLIERS: dict[str, Json] = {name: supplier(RNG.choice) for name in LABS}
AGREEMENTS: dict[str, Json] = {f"pact-{n:02}": agreement(RNG.choice) for n in range(12)}
STALE = {*RNG.sample(sorted(SUPPLIERS), 3), *RNG.sample(sorted(AGREEMENTS), 3)}
"""Judged long ago for the last time, as if the operator had been dead since."""

JUST_ENDED = "just-ended"
"""An agreement that ends after its deployment was made, and winds down."""


def ends(moment: datetime) -> Json:
    """The spec of an agreement that ends at a moment."""
    term = {"start": _moment(-500), "end": spelled(moment), "windDownDays": 30}
    return AGREEMENT | {"term": term, "suppliers": [*LABS, *STANDINGS]}
