"""Puts on record when kill switches come and go.

A switch that is gone stays in force until its lift is on record, so that no request goes on in
between.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from casemate.cluster.errors import Error
from casemate.warden.log.errors import LogError
from casemate.warden.log.store import Log
from casemate.warden.stoprecords import KILL, LIFT, in_force, killed, lifted
from casemate.warden.switches import Listed

log = logging.getLogger(__name__)
Json = Mapping[str, Any]

WORDS_SECONDS = 5.0
"""How long it is asked who lifted a switch; until then it stays in force."""


class Source(Protocol):
    """Where switches are; `warden.switches` asks the API server."""

    async def all(self) -> Listed:
        """Return all that there are now, or raise Error."""

    async def last(self, uid: str, since: str) -> Json | None:
        """Return one as it was when it was deleted, None where nobody can tell, or raise Error."""


class _Gone(NamedTuple):
    """A switch that is not there any more, and whose lift is not on record yet."""

    last: Json
    since: str
    """Of the last list that had it; empty: it went while nobody looked."""
    until: float
    """Until when it is asked who lifted it."""


class Recorder:
    """Knows which switches are on record as in force; to be made within a running loop."""

    def __init__(self, source: Source, kept: Log, lifting: Callable[[], None]) -> None:
        """Prepare; what the log remembers is read by `remembered`.

        Args:
            source: Tells who lifted a switch.
            kept: The log.
            lifting: Called when a switch is no longer in force.
        """
        self._source, self._log, self._lifting = source, kept, lifting
        self._loop = asyncio.get_running_loop()
        self._listed: Mapping[str, Json] = {}
        self._gone: dict[str, _Gone] = {}
        self._recorded: set[str] = set()
        self._work = asyncio.Event()

    async def remembered(self) -> dict[str, Json]:
        """Return the switches that are in force by the log."""
        found = await asyncio.to_thread(in_force, self._records())
        self._recorded = set(found)
        return found

    def _records(self) -> Iterable[bytes]:
        return (entry.record for entry in self._log.read(0, self._log.size))

    def take(self, before: Listed, now: Listed) -> None:
        """Take in a list, and the one before it."""
        until = self._loop.time() + WORDS_SECONDS
        for uid in before.switches.keys() - now.switches.keys():
            self._gone[uid] = _Gone(before.switches[uid], before.version, until)
        for uid in self._gone.keys() & now.switches.keys():
            # The cluster was set back to before its lift: it holds again.
            del self._gone[uid]
        self._listed = now.switches
        if self._gone or now.switches.keys() - self._recorded:
            self._work.set()

    def going(self) -> dict[str, Json]:
        """Return the switches that are gone and still in force."""
        return {uid: one.last for uid, one in self._gone.items()}

    async def run(self) -> None:
        """Record for ever."""
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self._record()
            except LogError as error:
                # What is stopped stays so, lifted or not; the next look tries again.
                log.warning("a kill switch is not on record yet: %s", error)
            except Exception:
                log.exception("a kill switch is not on record yet")

    async def _record(self) -> None:
        for uid, switch in {**self.going(), **self._listed}.items():
            if uid not in self._recorded:
                fields = killed(switch)
                await self._log.append(KILL, fields)
                self._recorded.add(uid)
                log.warning("stopped: %s", fields)
        for uid, gone in list(self._gone.items()):
            last = await self._last(uid, gone)
            if last is None or self._gone.get(uid) is not gone:
                continue
            fields = lifted(last)
            await self._log.append(LIFT, fields)
            self._recorded.discard(uid)
            log.warning("lifted: %s", fields)
            if self._gone.get(uid) is gone:
                del self._gone[uid]
            self._lifting()

    async def _last(self, uid: str, gone: _Gone) -> Json | None:
        """Return a switch as it was last, as far as anybody can tell; None: ask again."""
        if not gone.since:
            return gone.last
        try:
            async with asyncio.timeout(WORDS_SECONDS):
                found = await self._source.last(uid, gone.since)
        except (Error, TimeoutError) as error:
            log.warning("who lifted a kill switch cannot be told: %s", str(error) or "timeout")
            found = None
        except Exception:
            log.exception("who lifted a kill switch cannot be told")
            found = None
        if found is None and self._loop.time() >= gone.until:
            return gone.last
        return found
