"""How replicas of the warden come to know one another's keys."""

import asyncio
import logging

from aiohttp import web

from casemate.audit.notes import Verifier
from casemate.isolation.client import UnheardError
from casemate.warden import metrics
from casemate.warden.log.errors import LogError
from casemate.warden.log.stamp import Clock, read, text
from casemate.warden.log.store import Log
from casemate.warden.peers import Callers, Peers, caller
from casemate.warden.pins import LOG, WITNESS, Keys, PinError, Pins

logger = logging.getLogger(__name__)

KEYS_PATH, CHANGED_PATH = "/v1/peers/keys", "/v1/peers/changed"
PINNED = "peer-keys"
"""Kind of the record that says by which keys another replica is known."""
ASK_SECONDS = 3.0
_OK, _UNAVAILABLE = 200, 503


class Acquaintance:
    """Knows the keys of the others."""

    def __init__(self, log: Log, peers: Peers, pins: Pins, clock: Clock) -> None:
        """Know nobody but by what is on the disk.

        Args:
            log: This replica's, where it is put on record by which keys another one is known.
            peers: Who tells its keys.
            pins: Remembers them.
            clock: Tells which keys have ended.
        """
        self._log, self._peers, self._pins, self._clock = log, peers, pins, clock
        self._lock = asyncio.Lock()

    def verifiers(self, peer: str, role: str) -> list[Verifier]:
        """Return the keys of a replica; none: it is unknown.

        Raises:
            PinError: What is on the disk cannot be read.
        """
        return self._pins.keys(peer, role, text(read(self._clock).wall))

    def of_log(self, origin: str) -> list[Verifier]:
        """Return the keys of another replica's log by its name; none: it is unknown.

        Raises:
            PinError: What is on the disk cannot be read.
        """
        peer = origin.rpartition("/")[2]
        return self.verifiers(peer, LOG) if self._pins.origin(peer) == origin else []

    async def meet(self, peer: str, *, again: bool = False) -> None:
        """Know a peer's keys by its own word; its first word is kept, and put on record.

        Args:
            peer: Which replica.
            again: Ask it even though it is known: it may have changed its keys.

        Raises:
            PinError: It has other keys than it is known by.
            UnheardError: It does not tell.
            LogError: It cannot be put on record.
            OSError: It cannot be kept.
        """
        async with self._lock:
            if not again and self.verifiers(peer, LOG):
                return
            heard = await self._peers.ask(peer, KEYS_PATH, b"", ASK_SECONDS)
            if heard.status != _OK:
                raise UnheardError(f"it did not tell its keys: {heard.status}")
            said = Keys.read(heard.text)
            try:
                news = await asyncio.to_thread(self._pins.take, peer, said)
            except PinError:
                metrics.WITNESS_REFUSALS.labels(metrics.CHANGED_KEYS).inc()
                raise
            if news:
                fields = {"peer": peer, LOG: said.log, WITNESS: said.witness}
                await self._log.append(PINNED, fields)

    def routes(self, callers: Callers) -> list[web.RouteDef]:
        """Return where this replica tells its own keys, and hears that another's have changed.

        Args:
            callers: Knows the replica that asks.
        """

        async def own(request: web.Request) -> web.Response:
            await caller(callers, request)
            own = self._log.keys.names()
            said = Keys(own[LOG], own[WITNESS], tuple(self._log.rotations))
            return web.Response(body=said.encoded(), content_type="application/json")

        async def changed(request: web.Request) -> web.Response:
            return await self._changed(await caller(callers, request))

        return [web.post(KEYS_PATH, own), web.post(CHANGED_PATH, changed)]

    async def _changed(self, peer: str) -> web.Response:
        """Ask a peer for its keys, as it says that they have changed; tell by which it is known."""
        try:
            await self.meet(peer, again=True)
            known = {role: [*map(str, self.verifiers(peer, role))] for role in (LOG, WITNESS)}
        except (PinError, UnheardError, LogError, OSError) as error:
            logger.warning("the keys of %s are not taken on: %s", peer, error)
            return web.Response(status=_UNAVAILABLE, text=f"{error}\n")
        return web.json_response(known)
