"""Accept/reject pairs: each refusal beside the nearest value that passes.

Python validators are held against them in tests/unit/api, a real API server in tests/api/crd, so
the two cannot disagree on a case without one tier turning red.
"""

from copy import deepcopy
from dataclasses import dataclass
from json import dumps
from typing import Any

Json = dict[str, Any]

ABSENT: Any = object()
"""As a value: take the field away."""

DIGEST = "a1" * 32
IMAGE = f"registry.enclave.local/models/smollm2@sha256:{DIGEST}"

SPEC: Json = {
    "model": {"name": "smollm2", "supplier": "open-lab", "source": {"oci": {"image": IMAGE}}},
    "engine": {"image": IMAGE},
    "agreementRef": {"name": "harbour"},
    "use": "logistics-optimization",
    "owner": {"name": "Harbour Office", "contact": "harbour@example.org"},
}
"""The smallest accepted spec."""

AGREEMENT: Json = {
    "reference": "HA-2026-7",
    "parties": [{"name": "Harbour Authority", "role": "customer"}],
    "term": {"start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"},
    "allowedUses": [{"id": "logistics-optimization", "description": "Routes of lorries."}],
    "registries": ["registry.enclave.local"],
    "suppliers": ["open-lab"],
    "capacity": {"maxReplicas": 8},
    "accountable": {"name": "A. Keel", "office": "Harbour Office", "contact": "+49 40 1"},
}
"""The smallest accepted spec of a UsageAgreement."""

SUPPLIER: Json = {"approval": {"reference": "AP-1", "approvedBy": "Acquisition Office"}}
"""The spec of a Supplier that is approved."""

DIRECTIVE: Json = {
    "reference": "D-1",
    "legalBasis": "Act 7",
    "state": "Effective",
    "effectiveAt": "2026-03-01T00:00:00Z",
}
"""The smallest accepted directive."""

WAIVER: Json = {
    "name": "w1",
    "uses": ["logistics-optimization"],
    "until": "2026-09-01T00:00:00Z",
    "owner": "A. Keel",
    "justification": "Lives depend on it.",
}
"""A waiver of a directive."""

SPECS: dict[str, Json] = {
    "ModelDeployment": SPEC,
    "UsageAgreement": AGREEMENT,
    "Supplier": SUPPLIER,
}
"""An accepted spec by kind; further kinds add theirs."""


@dataclass(frozen=True)
class Pair:
    """One rule at its edge.

    Attributes:
        refuses: The sentence of the case.
        at: Field below spec that differs, dotted.
        accepted: The nearest value that passes.
        refused: A value that breaks the rule.
        field: Field that the API server names, below spec; `at` when empty.
        kind: Kind of the object.
        says: What else its message contains: the value found, what is accepted.
    """

    refuses: str
    at: str
    accepted: Any
    refused: Any
    says: tuple[str, ...]
    field: str = ""
    kind: str = "ModelDeployment"

    def accepted_spec(self) -> Json:
        """Return the spec with the value that passes."""
        return changed(self.at, self.accepted, SPECS[self.kind])

    def refused_spec(self) -> Json:
        """Return the spec with the value that breaks the rule."""
        return changed(self.at, self.refused, SPECS[self.kind])


def changed(at: str, value: Any, spec: Json = SPEC) -> Json:
    """Return a copy of the spec with one field set or, for ABSENT, taken away."""
    copy = deepcopy(spec)
    *parents, last = at.split(".")
    place = copy
    for parent in parents:
        place = place.setdefault(parent, {})
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return copy


def shown(value: str) -> str:
    """Return a string as the API server prints a refused one."""
    return dumps(value).replace("\\u00", "\\x")


NAMES = [
    ("a", "9"),
    ("a9", "9a"),
    ("smol-lm", "Smol-lm"),
    ("smol", "smol-"),
    ("smol-v2", "smol.v2"),
    ("s" * 52, "s" * 53),
]
"""Accepted and refused metadata.name, in pairs."""
