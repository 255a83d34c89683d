"""What the gateway counts. Labels take values from fixed lists only, never from a request."""

import platform
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest

from casemate.gateway.errors import Refusal
from casemate.gateway.guardmetrics import GuardMetrics
from casemate.gateway.routes import Route

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_GAPS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


# A second series for each counter, with its time of birth: nobody asks for it here.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """All metrics of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = self._counter("requests", "Requests by path and status code.", "path code")
        self.refusals = self._counter("refusals", "Requests refused, by reason.", "reason")
        self.checks = self._counter(
            "check_verdicts", "Answers of checks; 'unavailable' is a refusal.", "check verdict"
        )
        self.upstream_errors = self._counter(
            "upstream_errors", "Failures of the engine, by kind.", "kind"
        )
        tokens = self._counter(
            "tokens", "Tokens that the engine reported, by kind: prompt, completion.", "kind"
        )
        self.prompt_tokens = tokens.labels("prompt")
        self.completion_tokens = tokens.labels("completion")
        self.connections_refused = self._counter(
            "connections_dropped", "Connections dropped to hold a limit, by state.", "state"
        )
        self.reloads = self._counter(
            "tls_reloads", "Changes of the certificate bundle, by result: ok, failed.", "result"
        )
        self.isolation_rounds = self._counter(
            "isolation_rounds", "Rounds of the proof of isolation, by verdict.", "verdict"
        )
        self._duration = self._histogram(
            "request_duration_seconds", "Time from request head to the end of the answer."
        )
        self._first_token = self._histogram(
            "time_to_first_token_seconds", "Time from request head to first streamed output."
        )
        self._between_events = self._histogram(
            "time_between_events_seconds", "Time between two streamed events.", _GAPS
        )
        self.in_flight = self._gauge("requests_in_flight", "Requests that the engine works on.")
        self.connections = self._gauge("connections", "Open client connections.")
        self.not_after = self._gauge(
            "tls_certificate_not_after_timestamp_seconds", "When the served certificate ends."
        )
        self.isolation_proven = self._gauge(
            "isolation_proof_timestamp_seconds", "When isolation was last proven, as Unix time."
        )
        self.ready = self._gauge("ready", "1 if the last readiness probe passed, else 0.")
        build = Info("casemate_gateway_build", "Version of this program.", registry=self.registry)
        build.info({"version": version("casemate"), "python": platform.python_version()})

        self.guard = GuardMetrics(self.registry)
        self._done: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        # Looked up once for each route: a stream's events are too many to do it for each.
        self.first_token = {route: self._first_token.labels(route.value) for route in Route}
        self.between_events = {route: self._between_events.labels(route.value) for route in Route}

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

    def _counter(self, name: str, text: str, labels: str) -> Counter:
        return Counter(f"casemate_gateway_{name}", text, labels.split(), registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"casemate_gateway_{name}", text, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...] = _SECONDS) -> Histogram:
        return Histogram(
            f"casemate_gateway_{name}", text, ["path"], buckets=buckets, registry=self.registry
        )
