"""The guard as checks of the gateway: requests before the engine, answers before their release.

What is judged, and by which rules, is the Judge's; here are the threads that it runs in, what its
verdicts mean for a caller, and that everything which is not a verdict is a refusal.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from casemate.detector.client import Detector
from casemate.gateway.checks import Decision, RequestView
from casemate.gateway.errors import Cause, CheckUnavailableError
from casemate.gateway.guardmetrics import GuardMetrics
from casemate.gateway.instruction import Instruction
from casemate.gateway.quotas import Limits
from casemate.gateway.routes import Route
from casemate.gateway.worker import Lanes
from casemate.guard.types import HIDING, UNCOVERED, UNREADABLE, Judgement, Surface, Verdict

MAX_CHARS = 2 << 20
"""More is not judged but refused, of a request and of each text of an answer."""
PARAMS = {Route.CHAT: "messages", Route.COMPLETIONS: "prompt", Route.EMBEDDINGS: "input"}
_TOLD = {
    UNREADABLE: "it cannot be read by the checks",
    HIDING: "it hides text from the checks",
    UNCOVERED: "it is in a language for which this guard has no figures",
    "": "by the checks of this model's agreement",
}


class Judging(Protocol):
    """What the gateway needs of a Judge; both are called in a thread and must not hang."""

    def request(self, body: Mapping[str, Any]) -> Judgement:
        """Judge a request, in the shape that the gateway forwards."""

    def output(self, context: str, surfaces: Sequence[Surface]) -> Judgement:
        """Judge texts of an answer, with the end of the prompt as context."""


@dataclass(frozen=True, slots=True)
class InForce:
    """All that the agreement says about this gateway.

    Attributes:
        judge: Judges by the agreement's rules.
        digest: Of the bundle, as ``sha256:…``.
        version: Of the bundle.
        instruction: What is put before every conversation, if anything.
        limits: What one caller may ask for, if that is limited.
        detectors: Guardrails beside the gateway that must agree too.
        seal_to: Key that contents are sealed to for the record; none are kept if None.
    """

    judge: Judging
    digest: str
    version: int
    instruction: Instruction | None = None
    limits: Limits | None = None
    detectors: tuple[Detector, ...] = ()
    seal_to: X25519PublicKey | None = None


class Force(Protocol):
    """Knows what is in force."""

    def __call__(self) -> InForce:
        """Return it.

        Raises:
            CheckUnavailableError: Nothing is, or no longer.
        """


@dataclass(frozen=True, slots=True)
class Bench:
    """What judging needs.

    Attributes:
        force: What is in force.
        lanes: Where it is judged.
        metrics: Where it is counted.
        clock: Monotonic seconds.
    """

    force: Force
    lanes: Lanes
    metrics: GuardMetrics
    clock: Callable[[], float] = time.monotonic

    async def judge(self, chars: int, work: Callable[[], Judgement]) -> Judgement:
        """Judge in a thread; what comes back is a well-formed judgement.

        Raises:
            CheckUnavailableError: There was none.
        """
        if chars > MAX_CHARS:
            raise CheckUnavailableError(Cause.OVERSIZE)
        judgement = await self.lanes.run(chars, self.metrics.timed("all", self.clock, work))
        if type(judgement) is not Judgement or type(judgement.verdict) is not Verdict:
            raise CheckUnavailableError(Cause.MALFORMED)
        self.metrics.judged(judgement)
        return judgement


@dataclass(frozen=True, slots=True)
class GuardInput:
    """Judges requests."""

    bench: Bench
    name: str = "guard"

    async def check(self, request: RequestView) -> Decision:
        """Judge a request; raises `CheckUnavailableError` when it cannot."""
        judge = self.bench.force().judge
        work = partial(judge.request, request.body)
        judgement = await self.bench.judge(len(request.payload), work)
        return _decision(judgement, PARAMS[request.route])


def _decision(judgement: Judgement, param: str) -> Decision:
    told = _TOLD.get(judgement.line, f"it falls under the red line {judgement.line!r}")
    return Decision(judgement.verdict, told, param, judgement=judgement)
