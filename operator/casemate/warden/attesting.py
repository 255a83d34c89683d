"""Answers other replicas that show what their logs grew by (C2SP tlog-witness)."""

import asyncio
import logging

from aiohttp import web

from casemate.audit.checkpoint import Checkpoint
from casemate.audit.notes import FormatError
from casemate.isolation.client import UnheardError
from casemate.warden import metrics
from casemate.warden.acquaintance import Acquaintance
from casemate.warden.log.errors import LogError
from casemate.warden.log.witness import SIZE_TYPE, Growth, NotWitnessedError, Witness
from casemate.warden.peers import Callers, caller
from casemate.warden.pins import PinError, Pins

logger = logging.getLogger(__name__)

GROWTH_PATH, SEEN_PATH = "/v1/peers/add-checkpoint", "/v1/peers/seen"
_FORBIDDEN, _CONFLICT, _UNAVAILABLE = 403, 409, 503
_REASONS = {
    400: metrics.MALFORMED,
    403: metrics.BAD_SIGNATURE,
    404: metrics.UNKNOWN_LOG,
    409: metrics.CONTRADICTED,
    422: metrics.CONTRADICTED,
    500: metrics.UNKEPT,
}


class Attesting:
    """Signs what grew from what was signed before."""

    def __init__(self, witness: Witness, acquaintance: Acquaintance, pins: Pins) -> None:
        self._witness, self._acquaintance, self._pins = witness, acquaintance, pins

    def routes(self, callers: Callers) -> list[web.RouteDef]:
        """Return what other replicas ask here; `callers` knows which one does."""

        async def add(request: web.Request) -> web.Response:
            return await self._add(await caller(callers, request), await request.read())

        async def seen(request: web.Request) -> web.Response:
            return await self._seen(await caller(callers, request))

        return [web.post(GROWTH_PATH, add), web.post(SEEN_PATH, seen)]

    async def _seen(self, peer: str) -> web.Response:
        """Show a peer what of its log was signed here last."""
        note = await asyncio.to_thread(self._witness.newest, self._pins.origin(peer))
        return web.Response(status=200 if note else 404, text=str(note or ""))

    async def _add(self, peer: str, body: bytes) -> web.Response:
        growth: Growth | None = None
        try:
            growth = Growth.parse(body.decode())
            self._require_own(peer, growth)
            return web.Response(text=await self._cosigned(peer, growth))
        except NotWitnessedError as error:
            if error.size is not None and growth is not None and error.size != growth.old:
                # It begins elsewhere, and is told where: nothing is wrong yet.
                said = f"{error.size}\n"
                return web.Response(status=_CONFLICT, text=said, content_type=SIZE_TYPE)
            return _refused(peer, error.status, error)
        except (FormatError, ValueError) as error:
            return _refused(peer, 400, error)
        except OSError as error:
            return _refused(peer, 500, error)
        except (PinError, UnheardError, LogError) as error:
            # Who it is is not known: counted where its keys are looked at.
            logger.warning("a checkpoint of %s is not witnessed: %s", peer, error)
            return web.Response(status=_UNAVAILABLE, text=f"{error}\n")

    def _require_own(self, peer: str, growth: Growth) -> None:
        if Checkpoint.parse(growth.note.text).origin != self._pins.origin(peer):
            raise NotWitnessedError(404, f"{peer} may show its own log alone")

    async def _cosigned(self, peer: str, growth: Growth) -> str:
        await self._acquaintance.meet(peer)
        try:
            return await self._witness.cosign(growth)
        except NotWitnessedError as error:
            if error.status != _FORBIDDEN:
                raise
        # It may have changed its key.
        await self._acquaintance.meet(peer, again=True)
        return await self._witness.cosign(growth)


def _refused(peer: str, status: int, error: Exception) -> web.Response:
    metrics.WITNESS_REFUSALS.labels(_REASONS[status]).inc()
    logger.error("a checkpoint of %s is not witnessed: %d %s", peer, status, error)
    return web.Response(status=status, text=f"{error}\n")
