"""The name behind a request: the token that a caller presents, and whose it is by the warden.

A token is kept by its hash alone. An answer holds from the moment it was asked for, as long as the
warden says; so what ends, is deleted or is taken away counts within a minute.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from casemate.gateway.callers import Caller, by_address
from casemate.gateway.errors import Reason
from casemate.gateway.link import Link
from casemate.gateway.memory import Memory
from casemate.gateway.metrics import Metrics
from casemate.gateway.naming import Answer, read
from casemate.gateway.presented import presented, refused
from casemate.gateway.proxy import Identify
from casemate.gateway.settings import Identity
from casemate.identity import ASK_SECONDS, CALLERS_PATH, KNOWN_SECONDS
from casemate.isolation.client import UnheardError

log = logging.getLogger(__name__)

MOST_KNOWN, MOST_REFUSED = 4096, 1024
"""Callers that are remembered; apart, so that no flood of bad tokens drives out a good one."""
MOST_ASKED = 32
"""Questions at the same time: a flood must not take the warden's time from others."""


class Identities:
    """Knows who calls; asks where it does not."""

    def __init__(self, link: Link, metrics: Metrics) -> None:
        """Prepare, within a running loop; nobody is known yet.

        Args:
            link: To the warden.
            metrics: Where questions are counted.
        """
        self._link = link
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._callers = Memory[Caller](MOST_KNOWN)
        self._refused = Memory[Reason](MOST_REFUSED)
        self._asking: dict[bytes, asyncio.Task[Answer]] = {}
        self._problem = ""

    async def caller(self, request: web.BaseRequest) -> Caller:
        """Return who sent a request, and may.

        Raises:
            Refusal: 401 without a good token, 403 without the right, 503 where nobody knows.
        """
        token = presented(request)
        key = hashlib.sha256(token.encode()).digest()
        now = self._loop.time()
        known = self._callers.get(key, now) or self._refused.get(key, now)
        answer = known or await self._ask(key, token)
        if isinstance(answer, Caller):
            return answer
        raise refused(answer)

    async def close(self) -> None:
        """Ask nothing more."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _ask(self, key: bytes, token: str) -> Answer:
        """Ask once for all that present one token now; it goes on when one of them leaves."""
        task = self._asking.get(key)
        if task is None:
            if len(self._asking) >= MOST_ASKED:
                return Reason.IDENTITY_UNAVAILABLE
            task = self._asking[key] = asyncio.create_task(self._question(key, token))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(task)

    async def _question(self, key: bytes, token: str) -> Answer:
        began = self._loop.time()
        try:
            said = await self._link.post(CALLERS_PATH, {"token": token}, ASK_SECONDS)
            answer, seconds = read(said)
        except (UnheardError, ValueError) as error:
            self._tell(str(error))
            return self._counted(Reason.IDENTITY_UNAVAILABLE)
        self._tell("")
        until = began + min(seconds, KNOWN_SECONDS)
        if isinstance(answer, Caller) and until <= self._loop.time():
            answer, until = Reason.BAD_TOKEN, began  # it ended while we asked
        if isinstance(answer, Caller):
            self._callers.put(key, until, answer)
        else:
            self._refused.put(key, until, answer)
        return self._counted(answer)

    def _counted(self, answer: Answer) -> Answer:
        result = "named" if isinstance(answer, Caller) else answer.value
        self._metrics.identities.labels(result).inc()
        return answer

    def _tell(self, problem: str) -> None:
        """Log why nobody is known, once."""
        if problem and problem != self._problem:
            log.warning("the warden names nobody: %s", problem)
        self._problem = problem


@asynccontextmanager
async def identifying(settings: Identity | None, metrics: Metrics) -> AsyncIterator[Identify]:
    """Give what names callers: the warden, or nobody where it was said so."""
    if settings is None:
        log.warning("callers have no names: they are told apart by address alone")
        yield by_address
        return
    link = Link(settings.wardens, settings.token)
    identities = Identities(link, metrics)
    try:
        yield identities.caller
    finally:
        await identities.close()
        await link.close()
