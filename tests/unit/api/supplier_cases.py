"""Pairs for the spec of a Supplier."""

from functools import partial as _partial
from typing import Any

from unit.api import cases
from unit.api.cases import DIRECTIVE, SUPPLIER, WAIVER, Json, shown

Pair = _partial(cases.Pair, kind="Supplier")

_REQUIRED = ("Required value",)
_MOMENT = "must be a moment in UTC such as 2026-03-01T00:00:00Z, on a day that exists"
_OPEN = {"from": "2026-03-02T00:00:00Z"}
_CLOSED = _OPEN | {"until": "2026-03-03T00:00:00Z"}


def _directive(**changed: Any) -> list[Json]:
    return [DIRECTIVE | changed]


def _waiver(**changed: Any) -> list[Json]:
    return _directive(waivers=[WAIVER | changed])


def _without(original: Json, key: str) -> Json:
    return {name: value for name, value in original.items() if name != key}


IDENTITY = [
    Pair("a registry with a scheme", "identities.registries", ["r.open-lab.local"],
         ["oci://r.open-lab.local"], (shown("oci://r.open-lab.local"), "must be a registry"),
         "identities.registries[0]"),
    Pair("a blank name", "identities.names", ["Open Lab"], [" "],
         (shown(" "), "one line of text, not blank"), "identities.names[0]"),
    Pair("too many signers", "identities.signingIdentities", ["s"] * 16, ["s"] * 17,
         ("Too many: 17: must have at most 16 items",)),
    Pair("an approval by nobody", "approval", SUPPLIER["approval"], {"reference": "AP-1"},
         _REQUIRED, "approval.approvedBy"),
    Pair("an approval until 30 February", "approval.until", "2026-02-28T00:00:00Z",
         "2026-02-30T00:00:00Z", (shown("2026-02-30T00:00:00Z"), _MOMENT)),
]  # fmt: skip

DIRECTIVES = [
    *(
        Pair(f"a directive without {field}", "directives", [DIRECTIVE],
             [_without(DIRECTIVE, field)], _REQUIRED, f"directives[0].{field}")
        for field in DIRECTIVE
    ),
    Pair("an unknown state", "directives", _directive(state="Revoked"),
         _directive(state="Suspended"), (shown("Suspended"), '"Proposed", "Effective"'),
         "directives[0].state"),
    Pair("a phase-out that ends before it begins", "directives",
         _directive(phaseOutEndsAt="2026-03-01T00:00:01Z"),
         _directive(phaseOutEndsAt="2026-03-01T00:00:00Z"),
         ("needs effectiveAt before phaseOutEndsAt",), "directives[0]"),
    Pair("a directive from 30 February on", "directives",
         _directive(effectiveAt="2026-02-28T00:00:00Z"),
         _directive(effectiveAt="2026-02-30T00:00:00Z"), (_MOMENT,), "directives[0].effectiveAt"),
    Pair("a reference used twice", "directives", _directive() + _directive(reference="D-2"),
         _directive() * 2, ("Duplicate value",), "directives[1]"),
    Pair("too many directives", "directives",
         [DIRECTIVE | {"reference": f"D-{n}"} for n in range(8)],
         [DIRECTIVE | {"reference": f"D-{n}"} for n in range(9)],
         ("Too many: 9: must have at most 8 items",)),
]  # fmt: skip

STAYS = [
    Pair("a stayed directive without stay", "directives",
         _directive(state="Stayed", stays=[_CLOSED, _OPEN]), _directive(state="Stayed"),
         ("needs state Stayed exactly while one of stays has no `until`", "found Stayed"),
         "directives[0]"),
    Pair("a stay that ended under state Stayed", "directives",
         _directive(state="Stayed", stays=[_OPEN]), _directive(state="Stayed", stays=[_CLOSED]),
         ("needs state Stayed exactly",), "directives[0]"),
    Pair("a stay that lasts under state Effective", "directives", _directive(stays=[_CLOSED]),
         _directive(stays=[_OPEN]), ("needs state Stayed exactly", "found Effective"),
         "directives[0]"),
    Pair("a stay that ends before it begins", "directives", _directive(stays=[_CLOSED]),
         _directive(stays=[_CLOSED | {"until": _OPEN["from"]}]), ("needs from before until",),
         "directives[0].stays[0]"),
    Pair("a stay without beginning", "directives", _directive(stays=[_CLOSED]),
         _directive(stays=[{"until": "2026-03-03T00:00:00Z"}]), _REQUIRED,
         "directives[0].stays[0].from"),
    Pair("too many stays", "directives", _directive(stays=[_CLOSED] * 8),
         _directive(stays=[_CLOSED] * 9), ("Too many: 9: must have at most 8 items",),
         "directives[0].stays"),
]  # fmt: skip

WAIVERS = [
    *(
        Pair(f"a waiver without {field}", "directives", _waiver(),
             _directive(waivers=[_without(WAIVER, field)]), _REQUIRED,
             f"directives[0].waivers[0].{field}")
        for field in ("name", "until", "owner", "justification")
    ),
    *(
        Pair(f"a waiver for everything beside one by {scope}", "directives",
             _directive(waivers=[_without(WAIVER, "uses") | {scope: ["one"]}]),
             _directive(waivers=[_without(WAIVER, "uses") | {scope: []}]),
             ("needs a scope: at least one of agreements, uses, namespaces",),
             "directives[0].waivers[0]")
        for scope in ("agreements", "uses", "namespaces")
    ),
    Pair("a waiver until 31 June", "directives", _waiver(until="2026-06-30T00:00:00Z"),
         _waiver(until="2026-06-31T00:00:00Z"), (_MOMENT,), "directives[0].waivers[0].until"),
    Pair("an empty justification", "directives", _waiver(justification="x"),
         _waiver(justification=""), ("should be at least 1 chars long",),
         "directives[0].waivers[0].justification"),
    Pair("a waiver named twice", "directives",
         _directive(waivers=[WAIVER, WAIVER | {"name": "w2"}]),
         _directive(waivers=[WAIVER, WAIVER]), ("Duplicate value",), "directives[0].waivers[1]"),
]  # fmt: skip

PAIRS = [*IDENTITY, *DIRECTIVES, *STAYS, *WAIVERS]
