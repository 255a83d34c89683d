"""What is counted of the guard.

Lines come from the agreement; all other labels take values from fixed lists.
"""

from collections.abc import Callable
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter

from casemate.gateway.errors import Cause
from casemate.guard.types import HIDING, Judgement, Verdict
from casemate.metering import Label, Meter, one_of

T = TypeVar("T")

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_BYTES = (256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20)
LOADED, REFUSED = "ok", "refused"


class GuardMetrics:
    """The guard's metrics, in the gateway's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.meter = meter = Meter(registry)

        def counter(name: str, text: str, **labels: Label) -> Counter:
            return meter.counter(f"casemate_guard_{name}", text, **labels)

        self.verdicts = counter(
            "verdicts_total",
            "Judgements, by what decided.",
            line=Label("id of the red line that decided, or `unreadable`, `uncovered-language`"),
            tier=Label("what found it; empty, as the line is, where all is allowed"),
            verdict=one_of("the strictest of all findings", *Verdict),
        )
        self.refusals = counter(
            "refusals_total",
            "Refusals by the guard, by reason.",
            reason=one_of("why it said no", *Cause),
        )
        self.hidden = counter(
            "hidden_total",
            "Hidden text found, by how it was hidden.",
            how=Label("name of the disguise, of those that the guard knows"),
        )
        self.model_refusals = counter(
            "model_refusals_total", "Answers in which the model itself refuses."
        )
        self.reloads = counter(
            "reloads_total",
            "Contents of the policy file read, by result.",
            result=one_of("whether they came into force", LOADED, REFUSED),
        )
        self.seconds = meter.histogram(
            "casemate_guard_tier_seconds",
            "Time in one tier for one judgement.",
            _SECONDS,
            tier=one_of("`all` is the whole judgement", "all"),
        )
        self.held_back = meter.histogram(
            "casemate_guard_held_back_bytes", "The most that was held back of one answer.", _BYTES
        )
        self._bundle = meter.gauge(
            "casemate_guard_bundle_info",
            "The bundle in force: 1.",
            digest=Label("its SHA-256"),
            version=Label("its version"),
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
