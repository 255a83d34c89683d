"""A replica among the others: witnesses their logs, and has its own witnessed."""

import asyncio
from pathlib import Path

from aiohttp import web

from casemate.warden.acquaintance import Acquaintance
from casemate.warden.attesting import Attesting
from casemate.warden.following import Following
from casemate.warden.log.stamp import Clock, SystemClock
from casemate.warden.log.store import Log
from casemate.warden.log.witness import WITNESSED, Witness
from casemate.warden.peers import Callers, Peers
from casemate.warden.pins import PINS, Pins
from casemate.warden.witnessing import Witnessing


class Among:
    """Both sides of witnessing, wired."""

    def __init__(
        self, log: Log, origin: str, peers: Peers, folder: Path, clock: Clock | None = None
    ) -> None:
        """Prepare; nobody is asked yet.

        Args:
            log: This replica's.
            origin: Its name.
            peers: The other replicas.
            folder: The log's: what is known of others is kept in it too.
            clock: Tells the time in signatures; None: the machine's.
        """
        told = clock or SystemClock()
        self._peers, pins = peers, Pins(folder / PINS, origin)
        self._acquaintance = Acquaintance(log, peers, pins, told)
        witness = Witness(folder / WITNESSED, log.keys.witness, told, self._acquaintance.of_log)
        self._attesting = Attesting(witness, self._acquaintance, pins)
        self.witnessing = Witnessing(log, origin, peers, self._acquaintance)
        self.following = Following(peers, pins, witness, self.witnessing)

    def routes(self, callers: Callers) -> list[web.RouteDef]:
        """Return what other replicas ask here; `callers` knows which one does."""
        return [*self._acquaintance.routes(callers), *self._attesting.routes(callers)]

    async def begin(self) -> None:
        """Look who the others are, and what they know of this log.

        Raises:
            ContradictedError: One of them saw another log of this name and key.
        """
        await self._peers.look()
        await self.witnessing.round()

    async def run(self) -> None:
        """Go on until cancelled.

        Raises:
            ContradictedError: As `begin`.
        """
        looking = asyncio.create_task(self._peers.run())
        try:
            await self.witnessing.run()
        finally:
            looking.cancel()
