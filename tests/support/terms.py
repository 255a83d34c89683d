"""An agreement and suppliers under which the deployments of the tests may run."""

from copy import deepcopy
from typing import Any

Json = dict[str, Any]

AGREEMENT = "harbour"
AGREEMENT_SPEC: Json = {
    "reference": "HA-2026-1",
    "parties": [{"name": "Harbour Office", "role": "customer"}],
    "term": {"start": "2026-01-01T00:00:00Z", "end": "2096-01-01T00:00:00Z", "windDownDays": 30},
    "allowedUses": [{"id": "logistics-optimization", "description": "Moving goods"}],
    "registries": ["registry.enclave.local"],
    "suppliers": ["open-lab", "maker", "base-lab"],
    "enclaveCIDRs": ["10.20.0.0/16", "fd00:20::/32"],
    "capacity": {"maxReplicas": 100_000, "maxAccelerators": 100_000},
    "accountable": {"name": "A. Person", "office": "Harbour Master", "contact": "post"},
}
SUPPLIER_SPEC: Json = {"approval": {"reference": "AP-1", "approvedBy": "Acquisition Office"}}


def agreement(name: str = AGREEMENT, **changed: Any) -> Json:
    """A UsageAgreement; `changed` replaces whole fields of its spec."""
    return _object("UsageAgreement", name, AGREEMENT_SPEC | changed)


def supplier(name: str = "open-lab", **changed: Any) -> Json:
    """A Supplier that is approved; `changed` replaces whole fields of its spec."""
    return _object("Supplier", name, SUPPLIER_SPEC | changed)


def terms() -> list[Json]:
    """Everything that the deployments of the tests need."""
    return [agreement(), *map(supplier, AGREEMENT_SPEC["suppliers"])]


def directive(reference: str = "ORDER-1", **changed: Any) -> Json:
    """An order that is in force since March 2026, with half a year to phase out."""
    return {
        "reference": reference,
        "legalBasis": "41 U.S.C. 4713",
        "state": "Effective",
        "effectiveAt": "2026-03-01T00:00:00Z",
        "phaseOutEndsAt": "2026-09-01T00:00:00Z",
        **changed,
    }


def _object(kind: str, name: str, spec: Json) -> Json:
    return {
        "apiVersion": "casemate.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": deepcopy(spec),
    }
