"""A fence before every write: a replica that leads no more must not get one through.

The check is repeated at the last moment that aiohttp offers, when a connection is there and the
next step is to hand it the bytes: a process may be paused at any point before, and wake much later.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import aiohttp

from casemate.cluster.errors import Fenced

_READS = {"GET", "HEAD", "OPTIONS"}


def now() -> float:
    """Seconds on a clock that nobody sets, and that goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Fence:
    """Lets writes pass until a moment.

    Args:
        until: That moment, by `clock`; for ever where nobody else may lead.
        clock: Seconds; goes on while the process is stopped.
    """

    def __init__(self, until: float = math.inf, clock: Callable[[], float] = now) -> None:
        self._until, self._clock = until, clock
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @classmethod
    def closed(cls) -> "Fence":
        """One that lets no write pass before it is opened."""
        return cls(-math.inf)

    def open(self, until: float) -> None:
        """Lets writes pass until `until`, by its clock."""
        self._until = until

    def close(self) -> None:
        """Lets no further write pass."""
        self._until = -math.inf

    def left(self) -> float:
        """Seconds during which writes pass still; not above 0 when they do not."""
        return self._until - self._clock()

    def check(self, method: str) -> None:
        """Looks whether a request may be sent now.

        Raises:
            Fenced: it is a write, and the time for writes is over.
        """
        if method not in _READS and self.left() <= 0:
            raise Fenced(f"{method}: this replica does not lead, or not any more")

    @contextmanager
    def passing(self, method: str) -> Iterator[None]:
        """Surrounds one request, so that `drain` knows of it.

        Raises:
            Fenced: as `check`.
        """
        self.check(method)
        if method in _READS:
            yield
            return
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def drain(self, seconds: float) -> None:
        """Closes, and waits at most so long for the writes that are under way."""
        self.close()
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return

    def trace(self) -> aiohttp.TraceConfig:
        """Repeats the check right before the bytes of a request go to its connection."""

        async def check(_: object, __: SimpleNamespace, about: _About) -> None:
            self.check(about.method)

        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(check)
        trace.on_request_chunk_sent.append(check)
        return trace


_About = aiohttp.TraceRequestHeadersSentParams | aiohttp.TraceRequestChunkSentParams
