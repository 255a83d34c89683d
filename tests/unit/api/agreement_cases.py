"""Pairs for the spec of a UsageAgreement."""

from functools import partial as _partial
from typing import Any

from unit.api import cases
from unit.api.cases import ABSENT, AGREEMENT, IMAGE, Json, shown

Pair = _partial(cases.Pair, kind="UsageAgreement")

_REQUIRED = ("Required value",)
_MOMENT = "must be a moment in UTC such as 2026-03-01T00:00:00Z, on a day that exists"
_SURVEILLANCE = {"id": "domestic-mass-surveillance", "verdict": "Refuse"}
_FORCE = {"id": "use-of-force", "verdict": "Hold"}
_KEEPS = "must keep domestic-mass-surveillance with verdict Refuse"
_USE = AGREEMENT["allowedUses"][0]


def _capacity(**changed: Any) -> Json:
    return {"maxReplicas": 8, **changed}


def _many(count: int, **item: Any) -> list[Json]:
    (key,) = (key for key, value in item.items() if value is None)
    return [item | {key: f"n{number}"} for number in range(count)]


def _key(**changed: Any) -> list[Json]:
    return [{"name": "k1", "publicKey": "PEM", **changed}]


WHO = [
    *(
        Pair(f"no {field}", field, AGREEMENT[field], ABSENT, _REQUIRED)
        for field in AGREEMENT
    ),
    Pair("no parties at all", "parties", AGREEMENT["parties"], [],
         ("should have at least 1 items",)),
    Pair("too many parties", "parties", AGREEMENT["parties"] * 8, AGREEMENT["parties"] * 9,
         ("Too many: 9: must have at most 8 items",)),
    Pair("a blank reference", "reference", "HA", " ", (shown(" "), "one line of text, not blank")),
    Pair("an accountable office without person", "accountable", AGREEMENT["accountable"],
         {"office": "Harbour Office", "contact": "1"}, _REQUIRED, "accountable.name"),
]  # fmt: skip

TERM = [
    Pair(f"{what} as end", "term.end", near, bad, (shown(bad), _MOMENT))
    for what, near, bad in (
        ("30 February", "2027-02-28T00:00:00Z", "2027-02-30T00:00:00Z"),
        ("29 February of a common year", "2028-02-29T00:00:00Z", "2027-02-29T00:00:00Z"),
        ("29 February of a full century", "2400-02-29T00:00:00Z", "2100-02-29T00:00:00Z"),
        ("31 April", "2027-04-30T00:00:00Z", "2027-04-31T00:00:00Z"),
        ("day 0", "2027-04-01T00:00:00Z", "2027-04-00T00:00:00Z"),
        ("month 13", "2027-12-01T00:00:00Z", "2027-13-01T00:00:00Z"),
        ("24 o'clock", "2027-12-01T23:59:59Z", "2027-12-01T24:00:00Z"),
        ("a leap second", "2027-12-31T23:59:59Z", "2027-12-31T23:59:60Z"),
        ("a local time", "2027-12-31T00:00:00Z", "2027-12-31T00:00:00"),
        ("a day alone", "2027-12-31T00:00:00Z", "2027-12-31"),
    )
] + [
    Pair("an offset as end", "term.end", "2027-12-31T00:00:00Z", "2027-12-31T00:00:00+01:00",
         ("Too long: may not be more than 20",)),
    Pair("an end before the start", "term.end", "2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z",
         ("needs start before end",), "term"),
    Pair("a negative wind-down", "term.windDownDays", 0, -1, ("greater than or equal to 0",)),
    Pair("a wind-down without end", "term.windDownDays", 3650, 3651,
         ("less than or equal to 3650",)),
]  # fmt: skip

USES = [
    Pair("no allowed use at all", "allowedUses", [_USE], [], ("should have at least 1 items",)),
    Pair("a use named twice", "allowedUses", [_USE, _USE | {"id": "b"}], [_USE, _USE],
         ("Duplicate value",), "allowedUses[1]"),
    Pair("too many uses", "allowedUses", _many(64, id=None, description="d"),
         _many(65, id=None, description="d"), ("Too many: 65: must have at most 64 items",)),
    *(
        Pair(f"{line} as a use", "allowedUses", [_USE | {"id": f"{line}-ban"}],
             [_USE | {"id": line}],
             (f"accepts no red line as an allowed use; found {line}",), "allowedUses[0]")
        for line in ("domestic-mass-surveillance", "use-of-force")
    ),
]  # fmt: skip

LINES = [
    Pair("no red lines", "redLines", [_SURVEILLANCE, _FORCE], [], (_KEEPS, "found []")),
    Pair("one built-in red line left out", "redLines", [_SURVEILLANCE, _FORCE], [_SURVEILLANCE],
         (_KEEPS, "use-of-force with verdict Hold or Refuse",
          'found ["domestic-mass-surveillance=Refuse"]')),
    Pair("the other built-in red line left out", "redLines", [_SURVEILLANCE, _FORCE], [_FORCE],
         (_KEEPS, 'found ["use-of-force=Hold"]')),
    Pair("surveillance only held", "redLines",
         [_SURVEILLANCE, _FORCE | {"verdict": "Refuse"}],
         [_SURVEILLANCE | {"verdict": "Hold"}, _FORCE],
         (_KEEPS, "domestic-mass-surveillance=Hold")),
    Pair("a red line that only warns", "redLines",
         [_SURVEILLANCE, _FORCE, {"id": "x", "verdict": "Hold"}],
         [_SURVEILLANCE, _FORCE, {"id": "x", "verdict": "Warn"}],
         (shown("Warn"), '"Hold", "Refuse"'), "redLines[2].verdict"),
    Pair("a red line named twice", "redLines",
         [_SURVEILLANCE, _FORCE, {"id": "x", "verdict": "Hold"}],
         [_SURVEILLANCE, _FORCE, _FORCE], ("Duplicate value",), "redLines[2]"),
    Pair("too many red lines", "redLines",
         [_SURVEILLANCE, _FORCE, *_many(14, id=None, verdict="Hold")],
         [_SURVEILLANCE, _FORCE, *_many(15, id=None, verdict="Hold")],
         ("Too many: 17: must have at most 16 items",)),
]  # fmt: skip

_RE2 = "must be an RE2 pattern (no back-references, no look-around)"


def _line(*patterns: str) -> list[Json]:
    return [_SURVEILLANCE, _FORCE, {"id": "x", "verdict": "Hold", "patterns": [*patterns]}]


GUARD = [
    *(
        Pair(f"{what} as a pattern", "redLines", _line("a", near), _line("a", bad),
             (*says, _RE2), "redLines[2].patterns[1]")
        for what, near, bad, says in (
            ("an open bracket", "(a)", "(a", ("missing closing ): `(a`",)),
            ("a back-reference", r"(a)\\1", r"(a)\1", (r"invalid escape sequence: `\1`",)),
            ("a look-ahead", "(?:a)", "(?=a)", ("syntax: `(?=`",)),
            ("what every text has", "a+", "a*", (shown("a*"),)),
            ("a repetition without end", "a{1000}", "a{1001}", ("repeat count: `{1001}`",)),
        )
    ),
    Pair("an empty pattern", "redLines", _line("a"), _line(""), ("should be at least 1 chars",),
         "redLines[2].patterns[0]"),
    Pair("a long pattern", "redLines", _line("a" * 256), _line("a" * 257),
         ("Too long: may not be more than 256",), "redLines[2].patterns[0]"),
    Pair("too many patterns", "redLines", _line(*"a" * 16), _line(*"a" * 17),
         ("Too many: 17: must have at most 16 items",), "redLines[2].patterns"),
    Pair("a long instruction", "systemInstruction", "a" * 4096, "a" * 4097,
         ("Too long: may not be more than 4096",)),
    *(
        Pair(f"{what} of a bundle", "guard.minimumBundleVersion", near, bad, says)
        for what, near, bad, says in (
            ("month 13", 20_261_201, 20_261_301, ("must be a day, YYYYMMDD",)),
            ("month 0", 20_260_101, 20_260_001, ("must be a day, YYYYMMDD",)),
            ("day 32", 20_260_131, 20_260_132, ("must be a day, YYYYMMDD",)),
            ("day 0", 20_260_101, 20_260_100, ("must be a day, YYYYMMDD",)),
            ("a year alone", 20_260_101, 2026, ("greater than or equal to 20000101",)),
        )
    ),
    Pair("languages without figures let through", "guard.uncoveredLanguages", "Refuse", "Allow",
         (shown("Allow"), '"Hold", "Refuse"')),
    *(
        Pair(f"{bad} as {field} of a quota", f"quotas.{field}", near, bad, (limit,))
        for field, near, bad, limit in (
            ("windowSeconds", 60, 59, "greater than or equal to 60"),
            ("windowSeconds", 86_400, 86_401, "less than or equal to 86400"),
            ("requests", 1, 0, "greater than or equal to 1"),
            ("tokens", 1, 0, "greater than or equal to 1"),
            ("persons", 1, 0, "greater than or equal to 1"),
            ("tokens", 10**12, 10**12 + 1, "less than or equal to 1000000000000"),
        )
    ),
]  # fmt: skip

SOURCES = [
    Pair(f"{what} as registry", "registries", [near], [bad], (shown(bad), "must be a registry"),
         "registries[0]")
    for what, near, bad in (
        ("a URL", "registry.enclave.local", "https://registry.enclave.local"),
        ("a tag", "registry.enclave.local:5000/m", "registry.enclave.local/m:tag"),
        ("a slash at the end", "registry.enclave.local/m", "registry.enclave.local/m/"),
        ("capitals", "registry.local", "Registry.local"),
        ("an asterisk", "a.local", "*.local"),
        ("nothing", "r", ""),
    )
] + [
    Pair("no registry at all", "registries", ["r"], [], ("should have at least 1 items",)),
    Pair("too many registries", "registries", ["r"] * 16, ["r"] * 17,
         ("Too many: 17: must have at most 16 items",)),
    Pair("no supplier at all", "suppliers", ["open-lab"], [], ("should have at least 1 items",)),
    Pair("a supplier in capitals", "suppliers", ["open-lab"], ["Open-Lab"],
         (shown("Open-Lab"), "the name of an object"), "suppliers[0]"),
    Pair("too many suppliers", "suppliers", ["s"] * 64, ["s"] * 65,
         ("Too many: 65: must have at most 64 items",)),
    Pair("a required guardrail by tag", "requiredGuardrails",
         [{"name": "pii", "image": IMAGE, "port": 8090}],
         [{"name": "pii", "image": "r.local/pii:1", "port": 8090}],
         (shown("r.local/pii:1"), "must be an image by digest"), "requiredGuardrails[0].image"),
    Pair("a required guardrail on the gateway's port", "requiredGuardrails",
         [{"name": "pii", "image": IMAGE, "port": 8444}],
         [{"name": "pii", "image": IMAGE, "port": 8443}],
         ("8443", "must be another port than the gateway's own"), "requiredGuardrails[0].port"),
    Pair("a signing key without key", "trust", {"modelSigningKeys": _key()},
         {"modelSigningKeys": [{"name": "k1"}]}, _REQUIRED, "trust.modelSigningKeys[0].publicKey"),
    Pair("a signing key named twice", "trust", {"modelSigningKeys": _key() + _key(name="k2")},
         {"modelSigningKeys": _key() + _key()}, ("Duplicate value",), "trust.modelSigningKeys[1]"),
]  # fmt: skip

APPROVALS = [
    Pair(f"{bad} as {field}", f"approvals.{field}", near, bad, (limit,))
    for field, near, bad, limit in (
        ("quorum", 1, 0, "greater than or equal to 1"),
        ("quorum", 10, 11, "less than or equal to 10"),
        ("expiryMinutes", 1, 0, "greater than or equal to 1"),
        ("expiryMinutes", 1440, 1441, "less than or equal to 1440"),
    )
] + [
    Pair("too many groups of approvers", "approvals.approverGroups", ["g"] * 16, ["g"] * 17,
         ("Too many: 17: must have at most 16 items",)),
]  # fmt: skip

CAPACITY = [
    Pair("no maximum", "capacity", _capacity(), {}, _REQUIRED, "capacity.maxReplicas"),
    Pair("a negative maximum", "capacity", _capacity(maxReplicas=0), _capacity(maxReplicas=-1),
         ("greater than or equal to 0",), "capacity.maxReplicas"),
    Pair("a floor above the maximum", "capacity", _capacity(floor=8), _capacity(floor=9),
         ("needs floor to be at most maxReplicas",)),
    Pair("too large a maximum for one", "capacity", _capacity(maxReplicasEach=1000),
         _capacity(maxReplicasEach=1001), ("less than or equal to 1000",),
         "capacity.maxReplicasEach"),
    Pair("a profile named twice", "capacity", _capacity(profiles=[{"name": "a"}, {"name": "b"}]),
         _capacity(profiles=[{"name": "a"}, {"name": "a"}]), ("Duplicate value",),
         "capacity.profiles[1]"),
    Pair("a profile with a bad label", "capacity",
         _capacity(profiles=[{"name": "a", "nodeSelector": {"a/b": "v"}}]),
         _capacity(profiles=[{"name": "a", "nodeSelector": {"a/b/c": "v"}}]),
         ("must be a label key",), "capacity.profiles[0].nodeSelector"),
    Pair("a toleration of an unknown effect", "capacity",
         _capacity(profiles=[{"name": "a", "tolerations": [{"key": "k", "effect": "NoExecute"}]}]),
         _capacity(profiles=[{"name": "a", "tolerations": [{"key": "k", "effect": "Never"}]}]),
         (shown("Never"), '"NoSchedule"'), "capacity.profiles[0].tolerations[0].effect"),
    Pair("too many profiles", "capacity", _capacity(profiles=_many(16, name=None, tolerations=[])),
         _capacity(profiles=_many(17, name=None, tolerations=[])),
         ("Too many: 17: must have at most 16 items",), "capacity.profiles"),
]  # fmt: skip

AUDIT = [
    Pair("a sealed record without key", "audit", {"record": "Sealed", "publicKey": "PEM"},
         {"record": "Sealed"}, ("needs publicKey with record Sealed",)),
    Pair("an unknown record", "audit", {"record": "Digest"}, {"record": "None"},
         (shown("None"), '"Digest", "Sealed"'), "audit.record"),
    Pair("no retention", "audit.retentionDays", 1, 0, ("greater than or equal to 1",)),
    Pair("a retention without end", "audit.retentionDays", 36_500, 36_501,
         ("less than or equal to 36500",)),
]  # fmt: skip

PAIRS = [*WHO, *TERM, *USES, *LINES, *GUARD, *SOURCES, *APPROVALS, *CAPACITY, *AUDIT]
