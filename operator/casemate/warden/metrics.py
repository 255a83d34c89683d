"""What the warden counts."""

from importlib.metadata import version

from prometheus_client import CollectorRegistry
from prometheus_client.process_collector import ProcessCollector

from casemate import stops
from casemate.evidence import ELSEWHERE, INTENT, OUTCOME, REFUSED
from casemate.holds import (
    ANOTHER,
    DENIED,
    EXPIRED,
    PENDING,
    REVOKED,
    SPENT,
    STOPPED,
    TOO_LARGE,
    TOO_MANY,
    UNKNOWN,
)
from casemate.identity import BAD_CALLER, NO_RIGHT
from casemate.isolation.proof import Verdict
from casemate.metering import Label, Meter, one_of

UNKNOWN_LOG, BAD_SIGNATURE, CONTRADICTED, CHANGED_KEYS, MALFORMED, UNKEPT = (
    "unknown_log", "bad_signature", "contradicted", "changed_keys", "malformed", "unkept",
)  # fmt: skip
"""Why a checkpoint is not witnessed."""
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
METER = Meter(REGISTRY)

PROOFS = METER.counter(
    "casemate_warden_proofs_total",
    "Proofs of isolation that pods reported, by verdict of both halves.",
    verdict=one_of("from inside and from outside together", *Verdict),
)
REFUSALS = METER.counter(
    "casemate_warden_refusals_total",
    "Callers that were refused, by reason.",
    reason=one_of(
        "why; `foreign_token`: a pod's token was used from another address",
        "no_token",
        "bad_token",
        "unbound_token",
        "no_such_pod",
        "no_model",
        "foreign_token",
        "not_operator",
        "not_peer",
        "not_here",
        "bad_report",
        "no_terms",
        "no_such_intent",
        "intent_ended",
        "not_sealed",
        ELSEWHERE,
        "log_busy",
        "log_unavailable",
        "unchecked",
        stops.STOPPED,
        stops.UNKNOWN,
        "key_not_changed",
        "not_warden",
    ),
)
KEY_CHANGES = METER.counter(
    "casemate_warden_key_changes_total",
    "Keys that were changed because somebody asked for it.",
    role=one_of("what the key signs", "log", "witness"),
)
CALLERS = METER.counter(
    "casemate_warden_callers_total",
    "Callers of models that gateways asked about.",
    result=one_of("named, or why not", "named", BAD_CALLER, NO_RIGHT, "unchecked"),
)
RECORDS = METER.counter(
    "casemate_warden_records_total",
    "Records of requests that are on the disk.",
    kind=one_of(
        "what is recorded",
        INTENT,
        OUTCOME,
        REFUSED,
        "approval-requested",
        "approval-decided",
        "approval-consumed",
        "approval-expired",
        "approval-revoked",
    ),
)
APPEND_SECONDS = METER.histogram(
    "casemate_warden_append_seconds",
    "Time until a record is on the disk, from when it was there to be written.",
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
HOLDS = METER.counter(
    "casemate_warden_holds_total",
    "Requests that gateways asked to hold for people.",
    result=one_of(
        "held, or why not; `failed`: it could not be kept or recorded",
        "held",
        STOPPED,
        TOO_MANY,
        TOO_LARGE,
        "failed",
    ),
)
CONSUMPTIONS = METER.counter(
    "casemate_warden_consumptions_total",
    "Approvals that callers' retries named.",
    result=one_of(
        "let go, or why not; `elsewhere`: another replica holds it; `failed`: nobody could tell",
        "let_go",
        UNKNOWN,
        PENDING,
        DENIED,
        EXPIRED,
        REVOKED,
        SPENT,
        ANOTHER,
        STOPPED,
        "elsewhere",
        "failed",
    ),
)
PENDING_APPROVALS = METER.gauge(
    "casemate_warden_approvals_pending", "Requests that this replica holds and nobody has decided."
)
OLDEST_PENDING = METER.gauge(
    "casemate_warden_approval_oldest_seconds",
    "Age of the oldest request that this replica holds and nobody has decided; 0: there is none.",
)
DECISIONS = METER.counter(
    "casemate_warden_approval_decisions_total",
    "What came of held requests of this replica, and what people said about them.",
    outcome=one_of(
        "`approve` and `deny`: one person's; `ignored`: a decision that does not count; `approved`,"
        " `denied`, `revoked`, `expired`: the request's end",
        "approve",
        "deny",
        "ignored",
        "approved",
        "denied",
        "revoked",
        "expired",
    ),
)
APPROVAL_SECONDS = METER.histogram(
    "casemate_warden_approval_seconds",
    "Time from when a request was held until people had decided it: approved or denied.",
    (5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600),
)
LOOP_FAILURES = METER.counter(
    "casemate_warden_approval_passes_failed_total",
    "Looks at held requests that failed, as while the API server is away.",
)
REVIEWS = METER.counter(
    "casemate_warden_approval_reviews_total",
    "People's wishes to read a held request.",
    result=one_of("sealed to them, or refused", "sealed", "refused"),
)
WITNESSED_SIZE = METER.gauge(
    "casemate_warden_witnessed_records",
    "Records of this replica's log that another replica has signed for.",
    peer=Label("the other replica"),
)
WITNESSED_TIME = METER.gauge(
    "casemate_warden_witnessed_timestamp_seconds",
    "When another replica had last signed for all that there was; at first when it became known.",
    peer=Label("the other replica"),
)
WITNESS_REFUSALS = METER.counter(
    "casemate_warden_witness_refusals_total",
    "Checkpoints of other replicas that were not signed, by reason.",
    reason=one_of(
        "why; `contradicted`: it does not begin with what was signed before",
        UNKNOWN_LOG,
        BAD_SIGNATURE,
        CONTRADICTED,
        CHANGED_KEYS,
        MALFORMED,
        UNKEPT,
    ),
)
LOG_SIZE = METER.gauge("casemate_warden_log_records", "Records in the log of this replica.")
SWITCHES = METER.gauge(
    "casemate_warden_kill_switches",
    "Kill switches in force, by what they stop.",
    scope=one_of("of the switch", "All", "Agreement", "Deployment"),
)
LOOKED = METER.gauge(
    "casemate_warden_stops_looked_timestamp_seconds",
    "When kill switches were last listed, as Unix time; 0: not since this warden runs.",
)
BUILD_INFO = METER.gauge(
    "casemate_warden_build_info",
    "Always 1; the version is a label.",
    version=Label("of this program"),
)
BUILD_INFO.labels(version("casemate")).set(1)
