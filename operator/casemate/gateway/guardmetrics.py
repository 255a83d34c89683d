"""What is counted of the guard.

Lines come from the agreement; all other labels take values from fixed lists.
"""

from collections.abc import Callable
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from casemate.gateway.errors import Cause
from casemate.guard.types import Judgement

T = TypeVar("T")

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_BYTES = (256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20)
HIDING = "hiding"
"""The line of findings that say that something was hidden, and how."""
LOADED, REFUSED = "ok", "refused"


class GuardMetrics:
    """The guard's metrics, in the gateway's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, labels: str = "") -> Counter:
            return Counter(f"casemate_guard_{name}", text, labels.split(), registry=registry)

        self.verdicts = counter("verdicts", "Judgements, by what decided.", "line tier verdict")
        self.refusals = counter("refusals", "Refusals by the guard, by reason.", "reason")
        for cause in Cause:
            self.refusals.labels(cause.value)
        self.hidden = counter("hidden", "Hidden text found, by how it was hidden.", "how")
        self.model_refusals = counter(
            "model_refusals", "Answers in which the model itself refuses."
        )
        self.reloads = counter("reloads", "Contents of the policy file read, by result.", "result")
        self.seconds = Histogram(
            "casemate_guard_tier_seconds",
            "Time in one tier for one judgement; tier 'all' is the whole of it.",
            ["tier"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.held_back = Histogram(
            "casemate_guard_held_back_bytes",
            "The most that was held back of one answer.",
            buckets=_BYTES,
            registry=registry,
        )
        self._bundle = Gauge(
            "casemate_guard_bundle_info",
            "The bundle in force: 1.",
            ["digest", "version"],
            registry=registry,
        )

    def judged(self, judgement: Judgement) -> None:
        """Count one judgement."""
        labels = judgement.line, judgement.tier, judgement.verdict.value
        self.verdicts.labels(*labels).inc()
        ways = {
            how for finding in judgement.findings if finding.line == HIDING for how in finding.view
        }
        for how in ways:
            self.hidden.labels(how).inc()

    def in_force(self, digest: str, version: int) -> None:
        """Say which bundle judges from now on."""
        self._bundle.clear()
        self._bundle.labels(digest, str(version)).set(1)

    def timed(
        self, tier: str, clock: Callable[[], float], work: Callable[..., T]
    ) -> Callable[..., T]:
        """Return ``work`` with its time observed as that of a tier."""
        observe = self.seconds.labels(tier).observe

        def run(*args: object, **named: object) -> T:
            began = clock()
            try:
                return work(*args, **named)
            finally:
                observe(clock() - began)

        return run
