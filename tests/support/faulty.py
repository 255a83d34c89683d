"""A way to an API server on which requests are cut off, and watches fall silent or are refused."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from aiohttp import web
from typing_extensions import override

from enclave.controlplane import ControlPlane
from support.fronts import Front

_READS = {"GET", "HEAD", "OPTIONS"}
_EXPIRED = {
    "type": "ERROR",
    "object": {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "too old resource version: 1 (2)",
        "reason": "Expired",
        "code": 410,
    },
}
"""What the API server sends into a watch whose version it has forgotten."""


class Cut(NamedTuple):
    """One write that is lost."""

    part: str
    """Only writes whose path has this in it count."""
    number: int
    """Which of them, from 1."""
    arrives: bool
    """Whether it reaches the API server, and only its answer is lost."""
    act: Callable[[], None]
    """What happens at that moment."""


class Faulty(Front):
    """Loses what it is told to lose.

    Attributes:
        writes: How many writes counted since the last `cut`.
        withheld: Bytes of watches that were not handed over.
        refusing: Whether watches are cut off as soon as they begin.
        forgotten: Watches that were refused, and are to be told that their version is gone.
    """

    def __init__(self, plane: ControlPlane, credentials: Path) -> None:
        super().__init__(plane, credentials)
        self.writes = self.withheld = 0
        self.refusing = False
        self._cut: Cut | None = None
        self._watches: dict[int, web.Request] = {}
        self._silent: set[int] = set()
        self.forgotten: set[str] = set()

    def cut(self, cut: Cut | None) -> None:
        """Count writes from now on, and lose one of them; all are passed on where None."""
        self.writes, self._cut = 0, cut

    def silence(self) -> None:
        """Hand over nothing more of the watches that are open; they stay so, and new ones work."""
        self._silent |= self._watches.keys()

    def refuse_watches(self) -> None:
        """Cut all watches off, and each new one, until they are admitted."""
        self.refusing = True
        for watch in list(self._watches.values()):
            self._loop.call_soon_threadsafe(_abort, watch)

    def admit_watches(self) -> None:
        """Admit watches again; who was refused is told first that its version is gone."""
        self.refusing = False

    @override
    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch") == "true":
            return await self._watch(request)
        cut = self._cut
        if cut and request.method not in _READS and cut.part in request.path:
            self.writes += 1
            if self.writes == cut.number:
                return await self._lose(request, cut)
        return await self._pass_on(request)

    async def _lose(self, request: web.Request, cut: Cut) -> web.StreamResponse:
        body = await request.read()
        if cut.arrives:
            async with self._ask(request, body) as found:
                await found.read()
        cut.act()
        _abort(request)
        return web.Response()

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        if self.refusing:
            self.forgotten.add(request.path)
            _abort(request)
            return web.Response()
        if request.path in self.forgotten:
            self.forgotten.discard(request.path)
            return web.json_response(_EXPIRED)
        self._watches[id(request)] = request
        try:
            answer = await self._pass_on(request)
            if id(request) in self._silent:
                # Who is dead does not even say that it ends.
                await asyncio.Event().wait()
            return answer
        finally:
            del self._watches[id(request)]
            self._silent.discard(id(request))

    @override
    async def _hand_over(
        self, request: web.Request, answer: web.StreamResponse, chunk: bytes
    ) -> None:
        if id(request) in self._silent:
            self.withheld += len(chunk)
        else:
            await super()._hand_over(request, answer, chunk)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
