"""What the warden counts."""

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

PROOFS = Counter(
    "casemate_warden_proofs_total",
    "Proofs of isolation that pods reported, by verdict of both halves.",
    ["verdict"],
    registry=REGISTRY,
)
REFUSALS = Counter(
    "casemate_warden_refusals_total",
    "Callers that were refused, by reason.",
    ["reason"],
    registry=REGISTRY,
)
