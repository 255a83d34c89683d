"""The operator's Prometheus metrics. Names and meanings are API: see docs/operations.md."""

from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

RECONCILE_DURATION = Histogram(
    "casemate_reconcile_duration_seconds",
    "Duration of one pass over a ModelDeployment, from gathering to the status write.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
RECONCILE_TOTAL = Counter(
    "casemate_reconcile_total",
    "Passes over ModelDeployments, by result (noop, changed, stalled, waiting).",
    ["result"],
    registry=REGISTRY,
)
RECONCILE_ERRORS = Counter(
    "casemate_reconcile_errors_total",
    "Passes that failed, by kind of error (stalled, transient, bug).",
    ["kind"],
    registry=REGISTRY,
)
DRIFT_REPAIRS = Counter(
    "casemate_drift_repairs_total",
    "Children that somebody edited or deleted and that were restored, by kind and action.",
    ["kind", "action"],
    registry=REGISTRY,
)
CONTESTS = Counter(
    "casemate_contests_total",
    "Children that somebody changed so often that their repair was put off, by kind.",
    ["kind"],
    registry=REGISTRY,
)
BREAK_GLASS = Counter(
    "casemate_break_glass_total",
    "Writes to children by the right to break the glass that the operator saw, by kind.",
    ["kind"],
    registry=REGISTRY,
)
API_REQUESTS = Counter(
    "casemate_api_requests_total",
    "Requests to the API server outside the watches, by verb and status code (0: no answer).",
    ["verb", "code"],
    registry=REGISTRY,
)
CERTIFICATES = Counter(
    "casemate_certificates_total",
    "Requests for gateway certificates, by result (issued, denied).",
    ["result"],
    registry=REGISTRY,
)
WARDEN_HEARD = Gauge(
    "casemate_warden_heard_timestamp_seconds",
    "When the warden last told what is proven, as Unix time.",
    registry=REGISTRY,
)
CA_EXPIRY = Gauge(
    "casemate_ca_expiry_timestamp_seconds",
    "End of the validity of the CA that signs gateway certificates, as Unix time.",
    registry=REGISTRY,
)
LEADER = Gauge(
    "casemate_leader", "1 while this replica leads, 0 while it follows.", registry=REGISTRY
)
BUILD_INFO = Gauge(
    "casemate_build_info", "Always 1; the version is a label.", ["version"], registry=REGISTRY
)
BUILD_INFO.labels(version("casemate")).set(1)
