"""What the console counts."""

from importlib.metadata import version

from prometheus_client import CollectorRegistry
from prometheus_client.process_collector import ProcessCollector

from casemate.metering import Label, Meter, one_of

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
METER = Meter(REGISTRY)

SIGN_INS = METER.counter(
    "casemate_console_sign_ins_total",
    "Attempts to sign in.",
    result=one_of(
        "what came of it",
        "signed_in",
        "bad_token",
        "too_often",
        "too_many",
        "unanswered",
    ),
)
DECISIONS = METER.counter(
    "casemate_console_decisions_total",
    "Decisions that people sent by the console.",
    verdict=one_of("what they said", "Approve", "Deny", "Revoke"),
    result=one_of(
        "what came of it; `changed`: not what they were shown",
        "made",
        "refused",
        "changed",
        "unanswered",
    ),
)
REFUSALS = METER.counter(
    "casemate_console_refusals_total",
    "Requests that the console refused before it asked the cluster anything.",
    reason=one_of(
        "why; `host`: asked for by another name, `foreign`: a form that this console did not make"
        " for this person, `malformed`: a form that says something else than it may",
        "host",
        "foreign",
        "malformed",
    ),
)
SESSIONS = METER.gauge("casemate_console_sessions", "People who are signed in.")
BUILD_INFO = METER.gauge(
    "casemate_console_build_info",
    "Always 1; the version is a label.",
    version=Label("of this program"),
)
BUILD_INFO.labels(version("casemate")).set(1)
