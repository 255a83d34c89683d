"""Receipts on request: that a caller's own request is in this replica's log (C2SP tlog-proof)."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from casemate.audit.records import RecordId
from casemate.core import names
from casemate.evidence import INTENT, RECEIPTS_PATH, REFUSED
from casemate.warden.answers import Callers
from casemate.warden.callers import RefusedError, elsewhere
from casemate.warden.log.errors import LogError
from casemate.warden.log.store import Log
from casemate.warden.requests import bad_report, bearer, body_of
from casemate.warden.subjects import Subjects

_OF_CALLERS = (INTENT, REFUSED)


class Receipts:
    """Shows callers where their requests are."""

    def __init__(self, log: Log, name: str, callers: Callers, subjects: Subjects) -> None:
        """Prepare.

        Args:
            log: Where records are kept.
            name: Of this replica.
            callers: Knows the pod that asks.
            subjects: Knows the deployment that it stands for.
        """
        self._log, self._name = log, name
        self._callers, self._subjects = callers, subjects

    def route(self) -> web.RouteDef:
        """Return where gateways ask for receipts."""
        return web.post(RECEIPTS_PATH, self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        pod = await self._callers.pod(bearer(request), request.remote or "")
        where, caller = _asked(await body_of(request))
        if where.pod != self._name:
            raise elsewhere(where.pod) if names.is_warden(where.pod) else _none()
        deployment = (await self._subjects.about(pod))["deployment"]
        try:
            record = await self._record(where.index)
            own = record.get("caller") == caller and record.get("deployment") == deployment
            if record.get("kind") not in _OF_CALLERS or not own:
                raise _none()
            receipt = await self._log.proof(where.index)
        except LogError as error:
            raise RefusedError(503, "log_unavailable", str(error)) from error
        return web.json_response({"receipt": str(receipt)})

    async def _record(self, index: int) -> Mapping[str, Any]:
        if index >= self._log.size:
            raise _none()
        (entry,) = await asyncio.to_thread(list, self._log.read(index, index + 1))
        record: Mapping[str, Any] = orjson.loads(entry.record)
        return record


def _asked(body: Any) -> tuple[RecordId, Mapping[str, Any]]:
    """Read what is asked.

    Raises:
        RefusedError: It is something else.
    """
    try:
        return RecordId.parse(body["id"]), dict(body["caller"])
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise bad_report(f"an object with an id and a caller is accepted: {error!r}") from None


def _none() -> RefusedError:
    """Return the refusal: the same whether there is no such record or it is somebody else's."""
    return RefusedError(404, "not_here", "there is no such record of this caller")
