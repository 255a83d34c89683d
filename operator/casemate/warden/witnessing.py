"""Has the other replicas witness this one's log: shows what it grew by, keeps what they sign."""

import asyncio
import logging
import time

from casemate.audit.checkpoint import Checkpoint
from casemate.audit.notes import Note
from casemate.isolation.client import UnheardError
from casemate.warden import metrics
from casemate.warden.acquaintance import ASK_SECONDS, Acquaintance
from casemate.warden.attesting import GROWTH_PATH, SEEN_PATH
from casemate.warden.log.checkpoints import Signed
from casemate.warden.log.errors import FatalLogError, LogError
from casemate.warden.log.store import Log
from casemate.warden.log.witness import Growth
from casemate.warden.peers import Heard, Peers
from casemate.warden.pins import WITNESS, PinError

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 3.0
"""How often a log that has grown is shown to the others."""
_OK, _CONFLICT, _NO_PROOF = 200, 409, 422


class ContradictedError(FatalLogError):
    """A witness holds a checkpoint that this log signed and does not begin with any more."""


class Witnessing:
    """Knows how far each of the others has signed."""

    def __init__(self, log: Log, origin: str, peers: Peers, acquaintance: Acquaintance) -> None:
        """Prepare.

        Args:
            log: This replica's.
            origin: Its name.
            peers: The other replicas.
            acquaintance: Knows their keys.
        """
        self._log, self._origin = log, origin
        self._peers, self._acquaintance = peers, acquaintance
        self._at: dict[str, int] = {}
        """Size up to which each has signed since this start."""
        self._problems: dict[str, str] = {}
        """Why each does not sign, as it was logged; empty: it does."""

    def signed(self, peer: str) -> int:
        """Return how many records of this log a peer has signed for since this start."""
        return self._at.get(peer, 0)

    async def run(self) -> None:
        """Have the others sign again and again.

        Raises:
            ContradictedError: One of them holds a checkpoint that contradicts the log.
        """
        while True:
            await self.round()
            await asyncio.sleep(PERIOD_SECONDS)

    async def round(self) -> None:
        """Have each of the others sign what there is, once.

        Raises:
            ContradictedError: One of them holds a checkpoint that contradicts the log.
        """
        names = self._peers.names()
        for gone in self._problems.keys() - set(names):
            metrics.WITNESSED_SIZE.remove(gone)
            metrics.WITNESSED_TIME.remove(gone)
            del self._problems[gone]
        for name in names:
            if name not in self._problems:
                self._problems[name] = ""
                metrics.WITNESSED_SIZE.labels(name).set(0)
                metrics.WITNESSED_TIME.labels(name).set(time.time())
        # The same to all, so that their signatures stand under one checkpoint.
        signed = self._log.checkpoint()
        await asyncio.gather(*(self._show(name, signed) for name in names))

    async def _show(self, peer: str, signed: Signed) -> None:
        try:
            await self._signed_by(peer, signed)
        except ContradictedError:
            raise
        except (UnheardError, PinError, LogError, ValueError, OSError) as error:
            problem = str(error) or type(error).__name__
        else:
            problem = ""
        before, self._problems[peer] = self._problems[peer], problem
        if problem and problem != before:
            logger.warning("%s does not witness this log: %s", peer, problem)
        elif before and not problem:
            logger.info("%s witnesses this log again", peer)

    async def _signed_by(self, peer: str, signed: Signed) -> None:
        """Have one peer sign a checkpoint, unless it has."""
        if self._at.get(peer) != signed.size:
            await self._acquaintance.meet(peer)
            growth, heard = await self._shown(peer, self._at.get(peer, 0), signed)
            size = _size(heard)
            if size is not None and size <= signed.size:
                growth, heard = await self._shown(peer, size, signed)
            if heard.status in {_CONFLICT, _NO_PROOF}:
                await self._compare(peer)
            if heard.status != _OK:
                raise UnheardError(f"it did not sign: {heard.status} {heard.text.strip()[:200]}")
            await self._keep(peer, growth, heard.text)
            self._at[peer] = signed.size
            metrics.WITNESSED_SIZE.labels(peer).set(signed.size)
        metrics.WITNESSED_TIME.labels(peer).set(time.time())

    async def _shown(self, peer: str, old: int, signed: Signed) -> tuple[Growth, Heard]:
        growth = await self._log.growth(old, signed)
        body = str(growth).encode()
        return growth, await self._peers.ask(peer, GROWTH_PATH, body, ASK_SECONDS)

    async def _keep(self, peer: str, growth: Growth, lines: str) -> None:
        try:
            keys = self._acquaintance.verifiers(peer, WITNESS)
            await self._log.witnessed(growth.note, lines, keys)
        except ValueError:
            # It may have changed its key.
            await self._acquaintance.meet(peer, again=True)
            keys = self._acquaintance.verifiers(peer, WITNESS)
            await self._log.witnessed(growth.note, lines, keys)

    async def _compare(self, peer: str) -> None:
        """Look whether what a peer holds contradicts this log: it shows what this log signed.

        Raises:
            ContradictedError: It does.
        """
        heard = await self._peers.ask(peer, SEEN_PATH, b"", ASK_SECONDS)
        if heard.status != _OK:
            return
        note = Note.parse(heard.text)
        seen = Checkpoint.parse(note.text)
        if seen.origin != self._origin or not note.verify(self._log.verifiers):
            return  # Anybody may say so.
        size = self._log.size
        if seen.size > size or await asyncio.to_thread(self._log.root, seen.size) != seen.root:
            raise ContradictedError(
                f"{peer} witnessed {seen.size} records of this log, which has {size} now and does"
                " not begin with them: its volume was rolled back, or is another one"
            )


def _size(heard: Heard) -> int | None:
    """Return from which size a peer wants to be shown the log; None: it says nothing of it."""
    said = heard.text.strip()
    if heard.status == _CONFLICT and said.isascii() and said.isdecimal():
        return int(said[:18])
    return None
