"""Where the guard comes in: checks of what goes to the engine and of what comes back.

A check gets plain data and answers with a verdict. It has no access to the connection, so it can
neither answer nor release anything by itself. The rule of this module is fail closed: a check
that raises, is late, or answers anything but a well-formed verdict counts as a refusal of kind
``guard_unavailable``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from casemate.gateway.callers import UNKNOWN, Caller
from casemate.gateway.errors import (
    Cause,
    CheckUnavailableError,
    Reason,
    Refusal,
    guard_unavailable,
)
from casemate.gateway.held import Held, held
from casemate.gateway.routes import Route
from casemate.gateway.shape import Accepted
from casemate.guard.types import Judgement, Verdict

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RequestView:
    """What an input check sees.

    Whatever it does to ``body``, ``payload`` is what is forwarded, behind the agreement's own
    instruction if there is one.

    Attributes:
        approved: The red line that people have let this request touch, which checks of its answer
            must know; empty: none.
    """

    route: Route
    body: Mapping[str, Any]
    payload: bytes
    caller: Caller = UNKNOWN
    approved: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of an input check.

    Attributes:
        verdict: What it decided.
        reason: Told to the caller, so it quotes nothing.
        param: The field that is to blame.
        cause: What is counted if it does not allow; by its verdict if None.
        retry_after: Seconds until the same request may pass: it is one too many, not one too bad.
        judgement: What HOLD rests on: people are told, and it is put on record.
    """

    verdict: Verdict
    reason: str = ""
    param: str | None = None
    cause: Cause | None = None
    retry_after: int | None = None
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """One unit of an answer: an event of a stream, or a whole document.

    Attributes:
        data: The parsed piece.
        wire: Its bytes as the client would get them.
    """

    data: Mapping[str, Any]
    wire: bytes


@dataclass(frozen=True, slots=True)
class Cleared:
    """The answer of an output check.

    Attributes:
        verdict: ALLOW to go on. Anything else ends the answer: output cannot wait for a person.
        through: How many pieces, counted from the first of the answer, the check has cleared.
            Fewer than it was given holds the rest back until a later call; never fewer than it
            said before.
        cause: What is counted if it does not allow.
    """

    verdict: Verdict
    through: int = 0
    cause: Cause = Cause.ANSWER


class InputCheck(Protocol):
    """A check of a request before the engine sees any of it."""

    @property
    def name(self) -> str:
        """Name in counters and logs: fixed, one of few."""

    async def check(self, request: RequestView) -> Decision:
        """Judge a request."""


class OutputSession(Protocol):
    """The state of one check over one answer, such as its sliding window."""

    async def feed(self, piece: Piece) -> Cleared:
        """Take the next piece and say up to which piece the answer may be released."""

    async def finish(self) -> Cleared:
        """Judge the end of the answer; what is not cleared after it is never released."""


class OutputCheck(Protocol):
    """A check of answers."""

    @property
    def name(self) -> str:
        """Name in counters and logs: fixed, one of few."""

    def open(self, request: RequestView) -> OutputSession:
        """Begin to check the answer to a request."""


Count = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Chain:
    """All checks of a gateway, in order.

    Attributes:
        inputs: Run before the engine; the first that refuses decides, one that holds does not.
        outputs: All must clear a piece before it is released.
        timeout: Seconds that one call of one check may take.
        count: Told (check name, outcome) for each call; outcomes are verdicts and "unavailable".
        held: Told the most bytes that were held back of one answer.
        ready: Raises `CheckUnavailableError` while nothing could be checked.
        forward: Makes what is forwarded of what was checked.
        spent: Told the tokens that a request has used, at its end.
    """

    inputs: Sequence[InputCheck] = ()
    outputs: Sequence[OutputCheck] = ()
    timeout: float = 10.0
    count: Count = lambda _name, _outcome: None
    held: Callable[[int], None] = lambda _bytes: None
    ready: Callable[[], object] = lambda: None
    forward: Callable[[Route, Accepted], Accepted] = lambda _route, accepted: accepted
    spent: Callable[[RequestView, int], None] = lambda _request, _tokens: None

    def require_ready(self) -> None:
        """Refuse what could not be checked, before it is read.

        Raises:
            Refusal: 503.
        """
        with self._available():
            self.ready()

    def forwarded(self, route: Route, accepted: Accepted) -> Accepted:
        """Return what reaches the engine of a request that was checked.

        Raises:
            Refusal: 503 if it is no longer known what that is, or as `forward`.
        """
        with self._available():
            return self.forward(route, accepted)

    @contextmanager
    def _available(self) -> Iterator[None]:
        try:
            yield
        except CheckUnavailableError as error:
            raise self.unavailable("guard", error.cause, error.cause) from None

    async def check_input(self, request: RequestView) -> Held | None:
        """Run the input checks; return what only people can let go, if anything is held.

        A check that holds does not keep the later ones from refusing: people are asked about
        what all others allow.

        Raises:
            Refusal: 400 refused, 429 one too many, 503 a check failed.
        """
        holds: list[Held] = []
        for check in self.inputs:
            call = partial(check.check, request)
            decision = await self.guarded(check.name, call, Decision)
            self.count(check.name, decision.verdict.value)
            if decision.verdict is Verdict.HOLD:
                holds.append(self._hold(check.name, decision))
            elif decision.verdict is not Verdict.ALLOW:
                raise _denied(decision)
        return held(holds)

    def _hold(self, name: str, decision: Decision) -> Held:
        judgement = decision.judgement
        if judgement is None or judgement.verdict is not Verdict.HOLD or not judgement.line:
            raise self.unavailable(name, "held without a line", Cause.MALFORMED)
        return Held(judgement, decision.reason or _NO_REASON, decision.param)

    async def guarded(self, name: str, call: Callable[[], Awaitable[T]], kind: type[T]) -> T:
        """Make one call of a check; anything but an answer of the right type is a refusal."""
        try:
            async with asyncio.timeout(self.timeout):
                answer = await call()
        except TimeoutError:
            raise self.unavailable(name, "timed out", Cause.TIMEOUT) from None
        except asyncio.CancelledError:
            # The client left, or the gateway ends; a check that cancels itself has failed.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise self.unavailable(name, "cancelled itself", Cause.ERROR) from None
        except CheckUnavailableError as error:
            raise self.unavailable(name, error.cause, error.cause) from None
        except MemoryError:
            raise self.unavailable(name, "out of memory", Cause.MEMORY) from None
        except Exception as error:  # whatever it is, the answer is no
            log.exception("check %s failed", name)
            raise self.unavailable(name, type(error).__name__, Cause.ERROR) from None
        if type(answer) is not kind or type(getattr(answer, "verdict", None)) is not Verdict:
            raise self.unavailable(name, "answered without a known verdict", Cause.MALFORMED)
        return answer

    def unavailable(self, name: str, problem: str, cause: Cause) -> Refusal:
        """Count and return the refusal that stands for a failed check."""
        self.count(name, "unavailable")
        log.error("check %s: %s; request refused", name, problem)
        return guard_unavailable("A required check is not available; nothing was released.", cause)


_NO_REASON = "no further reason given"


def _denied(decision: Decision) -> Refusal:
    told = decision.reason or _NO_REASON
    if decision.retry_after is not None:
        return Refusal(
            429,
            Reason.QUOTA_EXCEEDED,
            f"The quota of this model's agreement is used up: {told}.",
            kind="rate_limit_error",
            headers={"Retry-After": str(decision.retry_after)},
            cause=decision.cause,
        )
    return Refusal(
        400,
        Reason.CHECK_REFUSED,
        f"This request is not permitted: {told}.",
        param=decision.param,
        code="content_filter",
        cause=decision.cause or Cause.RED_LINE,
    )
