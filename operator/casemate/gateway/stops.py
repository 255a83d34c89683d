"""Whether this model is stopped: a question to the warden that is always open.

Nothing is answered before the first answer, nor where none has come for too long.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple, Self

from casemate.gateway.errors import PERMISSION, Reason, Refusal
from casemate.gateway.link import Link, Said
from casemate.gateway.metrics import Metrics
from casemate.gateway.settings import Identity
from casemate.isolation.client import UnheardError
from casemate.stops import ASK_SECONDS, KNOWN_SECONDS, SINCE, STOPS_PATH

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
"""Pause after a question without an answer."""
PAUSE_SECONDS = 0.1
"""Pause after one with: two wardens whose answers differ must not be asked without end."""
_OK = 200
_MOST_NAME = 253


class State(NamedTuple):
    """What the warden said.

    Attributes:
        serial: Tells this from a later state.
        known: Whether the warden itself knows.
        stopped: Why this model is stopped, for those who run it, or "".
        switch: Name of the KillSwitch.
    """

    serial: int
    known: bool
    stopped: str
    switch: str

    @classmethod
    def read(cls, said: Said) -> Self:
        """Read an answer.

        Raises:
            ValueError: It is none.
        """
        serial, known = said.body.get("serial"), said.body.get("known")
        stopped, switch = said.body.get("stopped"), said.body.get("switch")
        if said.status != _OK:
            raise ValueError(f"{said.status} {said.body.get('reason')}")
        if type(serial) is not int or serial < 0 or type(known) is not bool:
            raise ValueError("serial and known are needed")
        if not isinstance(stopped, str) or not isinstance(switch, str):
            raise ValueError("stopped and switch are needed")  # noqa: TRY004  the answer is wrong
        return cls(serial, known, stopped, switch[:_MOST_NAME])


class Stops:
    """Knows whether this model is stopped; to be made within a running loop."""

    def __init__(self, link: Link, metrics: Metrics) -> None:
        """Prepare; nothing is known yet.

        Args:
            link: To the warden.
            metrics: Tell what is known.
        """
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._state: State | None = None
        self._since = ""
        """Of the last answer; empty after a question without one: the next is answered at once."""
        self._good_until = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._problem = "the warden has not answered yet"
        self._closed: Callable[[Refusal], None] = lambda _: None
        for reason in (Reason.STOPPED, Reason.STOPS_UNKNOWN):
            metrics.stopped.labels(reason.value).set_function(partial(self._is, reason))

    def refusal(self) -> Refusal | None:
        """Return the answer to every request now, or None: nothing is stopped."""
        match self._reason():
            case Reason.STOPPED:
                return stopped(self._state.switch if self._state else "")
            case Reason.STOPS_UNKNOWN:
                return _unknown()
            case _:
                return None

    def unknown(self) -> str | None:
        """Return why it is not known whether this model is stopped, or None."""
        if self._reason() is not Reason.STOPS_UNKNOWN:
            return None
        return self._problem or "the last answer is too old"

    async def run(self, closed: Callable[[Refusal], None]) -> None:
        """Ask for ever.

        Args:
            closed: Called with the refusal once nothing is answered any more: what is under way
                must end.
        """
        self._closed = closed
        try:
            while True:
                pause = await self._turn()
                await asyncio.sleep(pause)
        finally:
            if self._alarm:
                self._alarm.cancel()

    async def _turn(self) -> float:
        """Ask once; return the pause until the next question."""
        asked, self._since = f"{STOPS_PATH}?{SINCE}={self._since}", ""
        try:
            state = State.read(await self._link.get(asked, ASK_SECONDS))
        except (UnheardError, ValueError) as error:
            self._unheard(str(error))
        except Exception:
            # Nothing is answered for long without an answer, but asking must go on.
            log.exception("a question about kill switches failed")
        else:
            self._take(state)
            return PAUSE_SECONDS
        return RETRY_SECONDS

    def _reason(self) -> Reason | None:
        state = self._state
        if state is None or not state.known or self._loop.time() >= self._good_until:
            return Reason.STOPS_UNKNOWN
        return Reason.STOPPED if state.stopped else None

    def _is(self, reason: Reason) -> float:
        return float(self._reason() is reason)

    def _take(self, state: State) -> None:
        before = self._reason()
        self._since = str(state.serial)
        self._state, self._problem = state, "" if state.known else state.stopped
        self._good_until = self._loop.time() + KNOWN_SECONDS
        if self._alarm:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(self._good_until, self._expired)
        after = self._reason()
        if after is not before:
            told = state.stopped or "no kill switch is on"
            log.log(logging.WARNING if after else logging.INFO, "kill switches: %s", told)
        if before is None:
            self._close()

    def _unheard(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("the warden does not tell of kill switches: %s", problem)
        self._problem = problem

    def _expired(self) -> None:
        log.error("the warden has not told of kill switches for %.0f s", KNOWN_SECONDS)
        # A timer may come a moment early: then the time alone would not say so yet.
        self._good_until = 0.0
        self._close()

    def _close(self) -> None:
        if refusal := self.refusal():
            self._closed(refusal)


@asynccontextmanager
async def heeding(settings: Identity | None, metrics: Metrics) -> AsyncIterator[Stops | None]:
    """Give what tells of kill switches, or None where there is no warden to tell."""
    if settings is None:
        yield None
        return
    link = Link(settings.wardens, settings.token)
    try:
        yield Stops(link, metrics)
    finally:
        await link.close()


def stopped(switch: str) -> Refusal:
    """Return the answer to a request while a kill switch is on; who and why stays inside."""
    by = f" by KillSwitch {switch}" if switch else ""
    return Refusal(
        403,
        Reason.STOPPED,
        f"This model is stopped{by}: it answers nothing until people let go of that.",
        kind=PERMISSION,
        close=True,
    )


def _unknown() -> Refusal:
    return Refusal(
        503,
        Reason.STOPS_UNKNOWN,
        "Nobody can tell at the moment whether this model is stopped, so nothing is answered;"
        " try again shortly.",
        headers={"Retry-After": "5"},
        close=True,
    )
