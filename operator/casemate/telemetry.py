"""The operator's Prometheus metrics. Names and meanings are API: see docs/reference/metrics.md."""

from importlib.metadata import version

from prometheus_client import CollectorRegistry
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from casemate.cluster.kinds import CHILDREN
from casemate.metering import Label, Meter, one_of

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
METER = Meter(REGISTRY)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_CHILD = one_of("kind of the child", *CHILDREN)

RECONCILE_DURATION = METER.histogram(
    "casemate_reconcile_duration_seconds",
    "Duration of one pass over a ModelDeployment, from gathering to the status write.",
    _SECONDS,
)
RECONCILE_TOTAL = METER.counter(
    "casemate_reconcile_total",
    "Passes over ModelDeployments, by result.",
    result=one_of("how the pass ended", "noop", "changed", "stalled", "waiting"),
)
RECONCILE_ERRORS = METER.counter(
    "casemate_reconcile_errors_total",
    "Passes that failed, by kind of error.",
    kind=one_of("whether trying again can help, or it is our fault", "stalled", "transient", "bug"),
)
DRIFT_REPAIRS = METER.counter(
    "casemate_drift_repairs_total",
    "Children that somebody edited or deleted and that were restored, by kind and action.",
    kind=_CHILD,
    action=one_of("what had been done to it", "edited", "deleted"),
)
CONTESTS = METER.counter(
    "casemate_contests_total",
    "Children that somebody changed so often that their repair was put off, by kind.",
    kind=_CHILD,
)
BREAK_GLASS = METER.counter(
    "casemate_break_glass_total",
    "Writes to children by the right to break the glass that the operator saw, by kind.",
    kind=_CHILD,
)
API_REQUESTS = METER.counter(
    "casemate_api_requests_total",
    "Requests to the API server outside the watches, by verb and status code.",
    verb=Label("HTTP method"),
    code=Label("HTTP status; 0: no answer"),
)
CERTIFICATES = METER.counter(
    "casemate_certificates_total",
    "Requests for gateway certificates, by result.",
    result=one_of("what came of it", "issued", "denied"),
)
WARDEN_HEARD = METER.gauge(
    "casemate_warden_heard_timestamp_seconds",
    "When the warden last told what is proven, as Unix time; 0 on a replica that never led.",
)
CA_EXPIRY = METER.gauge(
    "casemate_ca_expiry_timestamp_seconds",
    "End of the validity of the CA that signs gateway certificates, as Unix time; 0 on a replica"
    " that never led.",
)
LEADER = METER.gauge("casemate_leader", "1 while this replica leads, 0 while it follows.")
BUILD_INFO = METER.gauge(
    "casemate_build_info", "Always 1; the version is a label.", version=Label("of this program")
)
BUILD_INFO.labels(version("casemate")).set(1)
