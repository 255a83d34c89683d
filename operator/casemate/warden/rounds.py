"""The warden's rounds: every second over all that is held, every minute over all that has ended."""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from casemate.api.approval import OPEN
from casemate.api.terms import instant, spelled
from casemate.cluster.errors import Conflict, Error
from casemate.cluster.kinds import APPROVAL_DECISION, APPROVAL_REQUEST
from casemate.core.approvals import Outcome
from casemate.warden.approvals import Approvals
from casemate.warden.callers import RefusedError
from casemate.warden.desk import Desk, Json, home, phase, place_of
from casemate.warden.holds import OPEN_ONES
from casemate.warden.metrics import LOOP_FAILURES, OLDEST_PENDING, PENDING_APPROVALS
from casemate.warden.reading import Reading

log = logging.getLogger(__name__)
ROUND_SECONDS = 1.0
_SWEEP_SECONDS = 60.0
KEPT = timedelta(hours=1)
"""How long what has ended stays to be looked at."""
_ABANDONED = timedelta(minutes=10)
"""How long after its expiry a request is ended by any replica: the one that holds it is gone."""
_AT_ONCE = 8
_PAGE = "250"
_KIND = {"apiVersion": APPROVAL_REQUEST.api_version, "kind": APPROVAL_REQUEST.kind}


class Rounds:
    """Makes the rounds, whatever happens on them."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._approvals, self._reading = desk, Approvals(desk), Reading(desk)
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._swept = -_SWEEP_SECONDS

    async def run(self) -> None:
        """Go round for ever."""
        while True:
            began = time.monotonic()
            await self._safely()
            await asyncio.sleep(max(0.1, began + ROUND_SECONDS - time.monotonic()))

    async def _safely(self) -> None:
        try:
            await self.once()
        except (Error, OSError) as error:
            LOOP_FAILURES.inc()
            log.warning("held requests are not looked after: %s", error)
        except Exception:
            LOOP_FAILURES.inc()
            log.exception("held requests are not looked after")

    async def once(self) -> None:
        """Look once at everything.

        Raises:
            Error: The API server does not answer.
            OSError: The volume cannot be used.
        """
        began = time.monotonic()
        path = APPROVAL_REQUEST.path()
        items = (await self._desk.client.request("GET", path, OPEN_ONES))["items"]
        listed = [{**_KIND, **one} for one in items if phase(one) in OPEN]
        mine = [one for one in listed if home(one) == self._desk.name]
        _measure(mine)
        await asyncio.gather(*(self._look(one) for one in mine))
        await self._reading.look()
        if began >= self._swept + _SWEEP_SECONDS:
            await self._sweep(listed, began)
            self._swept = began

    async def _look(self, request: Json) -> None:
        lock = self._desk.locks.of(place_of(request))
        if lock.locked():
            return  # It is being made or spent: the next round sees what came of it.
        async with self._places, lock:
            try:
                await self._approvals.look(request)
            except Conflict:
                log.debug("%s changed meanwhile", request["metadata"]["name"])
            except (Error, RefusedError) as error:
                LOOP_FAILURES.inc()
                log.warning("%s is not looked after: %s", request["metadata"]["name"], error)
            except Exception:
                # One request must not keep the others from being looked after.
                LOOP_FAILURES.inc()
                log.exception("%s is not looked after", request["metadata"]["name"])

    async def _sweep(self, listed: Sequence[Json], began: float) -> None:
        """Take away what nobody needs any more."""
        places = {place_of(one) for one in listed}
        await asyncio.to_thread(self._desk.contents.sweep, places, began)
        await self._abandoned(listed)
        await self._ended()
        await self._reading.sweep()

    async def _abandoned(self, listed: Sequence[Json]) -> None:
        """End what expired long ago, though the replica that held it is gone."""
        now = datetime.now(UTC)
        for one in listed:
            expires = instant(one["spec"]["expiresAt"])
            if home(one) != self._desk.name and now > expires + _ABANDONED:
                why = f"not let go before {spelled(expires)}, which denies it"
                await self._approvals.tell(one, Outcome("Expired", why, decided_at=expires))

    async def _ended(self) -> None:
        """Delete requests that ended an hour ago, with what was said about them."""
        async for one in self._all(APPROVAL_REQUEST.path()):
            if phase(one) not in OPEN and _old(one):
                chosen = f"spec.request.name={one['metadata']['name']}"
                path = APPROVAL_DECISION.path(one["metadata"]["namespace"])
                async for said in self._all(path, chosen):
                    if said["spec"]["request"]["uid"] == one["metadata"]["uid"]:
                        await self._delete(APPROVAL_DECISION, said)
                await self._delete(APPROVAL_REQUEST, one)

    async def _delete(self, kind: Any, body: Json) -> None:
        meta = body["metadata"]
        await self._desk.client.delete(kind, meta["namespace"], meta["name"], meta["uid"])

    async def _all(self, path: str, chosen: str = "") -> Any:
        params = {"limit": _PAGE} | ({"fieldSelector": chosen} if chosen else {})
        while True:
            page = await self._desk.client.request("GET", path, params)
            for one in page["items"]:
                yield one
            token = page["metadata"].get("continue")
            if not token:
                return
            params["continue"] = token


def _old(request: Json) -> bool:
    status = request["status"]
    ended = status.get("consumedAt") or status["decidedAt"]
    return datetime.now(UTC) >= instant(ended) + KEPT


def _measure(mine: Sequence[Json]) -> None:
    waiting = [one for one in mine if phase(one) == "Pending"]
    made = [instant(one["metadata"]["creationTimestamp"]) for one in waiting]
    now = datetime.now(UTC)
    PENDING_APPROVALS.set(len(waiting))
    OLDEST_PENDING.set(max(((now - one).total_seconds() for one in made), default=0.0))
