"""Holds an answer back until every output check has cleared it."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from casemate.gateway.checks import Chain, Cleared, OutputSession, Piece, RequestView
from casemate.gateway.errors import Cause, CheckUnavailableError, Reason, Refusal
from casemate.guard.types import Verdict


@dataclass(slots=True)
class _Watch:
    name: str
    session: OutputSession
    through: int = 0


class Gate:
    """Takes the pieces of one answer, and gives back the bytes of those that all checks cleared.

    They leave in order and exactly once. How much can be held is bounded by the size limit of an
    answer; no more is held of a piece than its bytes, since parsed it takes five times as much.
    """

    def __init__(self, chain: Chain, request: RequestView) -> None:
        """Open one session of each output check.

        Raises:
            Refusal: 503 if a check cannot begin.
        """
        self._chain = chain
        self._held: deque[bytes] = deque()
        self._fed = 0
        self._released = 0
        self._bytes = 0
        self._most = 0
        self._watches: list[_Watch] = []
        for check in chain.outputs:
            try:
                self._watches.append(_Watch(check.name, check.open(request)))
            except CheckUnavailableError as error:
                raise chain.unavailable(check.name, error.cause, error.cause) from None
            except Exception as error:  # whatever it is, the answer is no
                raise chain.unavailable(check.name, type(error).__name__, Cause.ERROR) from error

    def close(self) -> None:
        """End the watch over this answer, however it ended."""
        self._chain.held(self._most)

    async def feed(self, piece: Piece) -> list[bytes]:
        """Take one piece; return what may be released now.

        Raises:
            Refusal: 400 content_filter when a check refuses, 503 when one fails.
        """
        self._held.append(piece.wire)
        self._fed += 1
        self._bytes += len(piece.wire)
        self._most = max(self._most, self._bytes)
        return await self._judge(lambda session: session.feed(piece))

    async def finish(self) -> list[bytes]:
        """End the answer; return its rest.

        Raises:
            Refusal: as `feed`, and 503 if a check leaves pieces uncleared without refusing them.
        """
        released = await self._judge(lambda session: session.finish())
        if self._held:
            late = min(self._watches, key=lambda watch: watch.through)
            raise self._chain.unavailable(
                late.name, "ended without clearing the answer", Cause.MALFORMED
            )
        for watch in self._watches:
            self._chain.count(watch.name, Verdict.ALLOW.value)
        return released

    async def _judge(self, ask: Callable[[OutputSession], Awaitable[Cleared]]) -> list[bytes]:
        for watch in self._watches:
            call = partial(ask, watch.session)
            cleared = await self._chain.guarded(watch.name, call, Cleared)
            if cleared.verdict is not Verdict.ALLOW:
                self._chain.count(watch.name, Verdict.REFUSE.value)
                raise Refusal(
                    400,
                    Reason.CHECK_REFUSED,
                    "The answer is not permitted and was withheld.",
                    code="content_filter",
                    cause=cleared.cause,
                )
            self._advance(watch, cleared.through)
        through = min((watch.through for watch in self._watches), default=self._fed)
        count = through - self._released
        self._released = through
        released = [self._held.popleft() for _ in range(count)]
        self._bytes -= sum(map(len, released))
        return released

    def _advance(self, watch: _Watch, through: int) -> None:
        if type(through) is not int or not watch.through <= through <= self._fed:
            raise self._chain.unavailable(
                watch.name,
                "cleared pieces that it was not given, or took a clearance back",
                Cause.MALFORMED,
            )
        watch.through = through
