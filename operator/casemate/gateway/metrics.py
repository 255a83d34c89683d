"""What the gateway counts. Labels take values from fixed lists only, never from a request."""

import platform
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from casemate.evidence import INTENT, OUTCOME, REFUSED
from casemate.gateway.errors import Reason, Refusal
from casemate.gateway.guardmetrics import GuardMetrics
from casemate.gateway.routes import Route
from casemate.gateway.upstream import REASONS
from casemate.guard.types import Verdict
from casemate.isolation import proof
from casemate.metering import Label, Meter, one_of

_PREFIX = "casemate_gateway_"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_GAPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_PATH = one_of("path of the request; `other` for all that do not exist", *Route, "other")
_NAMELESS = (Reason.BAD_TOKEN, Reason.NO_RIGHT, Reason.IDENTITY_UNAVAILABLE)
STOPS = (Reason.STOPPED, Reason.STOPS_UNKNOWN)
_CHECKS = ("quotas", "guard", "guardrails", "model-refusals")


class Metrics:
    """All metrics of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.meter = Meter(self.registry)
        self._count_requests()
        self._time_requests()
        self._tell_state()
        self.guard = GuardMetrics(self.registry)
        self._done: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def _count_requests(self) -> None:
        def counter(name: str, text: str, **labels: Label) -> Counter:
            return self.meter.counter(f"{_PREFIX}{name}", text, **labels)

        code = Label("HTTP status; 499: the client left before there was one")
        self._requests = counter(
            "requests_total", "Requests by path and status code.", path=_PATH, code=code
        )
        self.refusals = counter(
            "refusals_total",
            "Requests refused, by reason.",
            reason=one_of("code of the error, see docs/gateway.md", *Reason),
        )
        self.checks = counter(
            "check_verdicts_total",
            "Answers of checks; 'unavailable' is a refusal.",
            check=one_of("name of the check", *_CHECKS),
            verdict=one_of("its answer", *Verdict, "unavailable"),
        )
        self.identities = counter(
            "identity_questions_total",
            "Questions to the warden about callers, by result.",
            result=one_of("what it said", "named", *_NAMELESS),
        )
        self.records = counter(
            "records_total",
            "Records of requests sent to the warden.",
            kind=one_of("what is recorded", INTENT, OUTCOME, REFUSED),
            result=one_of("whether it is kept", "ok", "failed"),
        )
        self.upstream_errors = counter(
            "upstream_errors_total",
            "Failures of the engine, by kind.",
            kind=one_of("what failed", *sorted(REASONS)),
        )
        tokens = counter(
            "tokens_total",
            "Tokens that the engine reported, by kind.",
            kind=one_of("of the request, or of the answer", "prompt", "completion"),
        )
        self.prompt_tokens = tokens.labels("prompt")
        self.completion_tokens = tokens.labels("completion")
        self.connections_refused = counter(
            "connections_dropped_total",
            "Connections dropped to hold a limit, by state.",
            state=one_of("how far the connection was", "new", "handshake", "idle"),
        )
        self.reloads = counter(
            "tls_reloads_total",
            "Changes of the certificate bundle, by result.",
            result=one_of("whether it could be used", "ok", "failed"),
        )
        self.isolation_rounds = counter(
            "isolation_rounds_total",
            "Rounds of the proof of isolation, by verdict.",
            verdict=one_of("of both halves, from inside and from outside", *proof.Verdict),
        )

    def _time_requests(self) -> None:
        def histogram(name: str, text: str, buckets: tuple[float, ...] = _SECONDS) -> Histogram:
            return self.meter.histogram(f"{_PREFIX}{name}", text, buckets, path=_PATH)

        self._duration = histogram(
            "request_duration_seconds", "Time from request head to the end of the answer."
        )
        first = histogram(
            "time_to_first_token_seconds", "Time from request head to first streamed output."
        )
        between = histogram(
            "time_between_events_seconds", "Time between two streamed events.", _GAPS
        )
        # Looked up once for each route: a stream's events are too many to do it for each.
        self.first_token = {route: first.labels(route.value) for route in Route}
        self.between_events = {route: between.labels(route.value) for route in Route}

    def _tell_state(self) -> None:
        def gauge(name: str, text: str, **labels: Label) -> Gauge:
            return self.meter.gauge(f"{_PREFIX}{name}", text, **labels)

        self.in_flight = gauge("requests_in_flight", "Requests that the engine works on.")
        self.connections = gauge("connections", "Open client connections.")
        self.not_after = gauge(
            "tls_certificate_not_after_timestamp_seconds",
            "When the served certificate ends, as Unix time.",
        )
        self.isolation_proven = gauge(
            "isolation_proof_timestamp_seconds",
            "When isolation was last proven, as Unix time; 0: not since this gateway runs.",
        )
        self.stopped = gauge(
            "stopped",
            "1 while nothing is answered for a kill switch, or for not knowing of one; else 0.",
            why=one_of("a switch is on, or nobody tells whether one is", *STOPS),
        )
        self.ready = gauge("ready", "1 if the last readiness probe passed, else 0.")
        build = gauge(
            "build_info",
            "Always 1; the versions are labels.",
            version=Label("of this program"),
            python=Label("version of Python"),
        )
        build.labels(version("casemate"), platform.python_version()).set(1)

    def request_done(self, path: str, status: int, seconds: float) -> None:
        """Count a request that came to its end."""
        found = self._done.get((path, status))
        if found is None:
            found = self._requests.labels(path, str(status)), self._duration.labels(path)
            self._done[path, status] = found
        found[0].inc()
        found[1].observe(seconds)

    def refused(self, refusal: Refusal) -> None:
        """Count a refusal, and why, if it was the guard."""
        self.refusals.labels(refusal.reason.value).inc()
        if refusal.cause is not None:
            self.guard.refusals.labels(refusal.cause.value).inc()

    def render(self) -> bytes:
        """Return the text exposition of all metrics."""
        return generate_latest(self.registry)
