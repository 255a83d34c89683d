"""Holds a request for people: on record, as an ApprovalRequest, with its content kept sealed."""

import asyncio
import logging
import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from casemate.api.approval import OPEN
from casemate.api.terms import spelled
from casemate.cluster.errors import Error
from casemate.cluster.kinds import APPROVAL_REQUEST
from casemate.core.quorum import asked_for
from casemate.holds import HOLDS_PATH, STOPPED, TOO_LARGE, TOO_MANY
from casemate.warden import notices
from casemate.warden.answers import Callers
from casemate.warden.callers import RefusedError
from casemate.warden.contents import FullError, Place
from casemate.warden.desk import Desk, Json, approval_of, phase
from casemate.warden.evidence import Evidence
from casemate.warden.heldrequests import Asked, asked, content_of
from casemate.warden.metrics import HOLDS
from casemate.warden.register import REQUESTED
from casemate.warden.requests import bearer, refusal
from casemate.warden.subjects import Subjects

log = logging.getLogger(__name__)
MOST_OF_ONE, MOST_OF_DEPLOYMENT = 16, 64
"""Requests of one caller, and to one deployment, that may wait for people."""
AT_ONCE = 4
"""Requests that are read at once: each may be some MiB."""
_FRESH_SECONDS = 5.0
"""How long a list of the API server may lack what was made."""
_RESULTS = {STOPPED, TOO_MANY, TOO_LARGE}
_SCOPE = ",".join(f"status.phase!={one}" for one in ("Denied", "Expired", "Revoked", "Consumed"))
OPEN_ONES = {"fieldSelector": _SCOPE, "resourceVersion": "0"}
"""Selects ApprovalRequests that have not ended, from the API server's memory."""


class Holds:
    """Takes in what gateways hold."""

    def __init__(
        self, desk: Desk, callers: Callers, subjects: Subjects, evidence: Evidence
    ) -> None:
        self._desk, self._callers, self._subjects = desk, callers, subjects
        self._evidence = evidence
        self._places = asyncio.Semaphore(AT_ONCE)
        self._counting = asyncio.Lock()
        self._fresh: dict[Place, tuple[float, Json]] = {}

    def route(self) -> web.RouteDef:
        """Return where gateways hold requests."""
        return web.post(HOLDS_PATH, self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        pod = await self._callers.pod(bearer(request), request.remote or "")
        try:
            async with self._places:
                held = await asked(request, pod, self._subjects, "content")
                said = await self._hold(held, content_of(held))
        except RefusedError as error:
            if error.reason not in _RESULTS:
                HOLDS.labels("failed").inc()
                raise
            HOLDS.labels(error.reason).inc()
            log.warning("not held for %s/%s: %s", pod.namespace, pod.name, error)
            return refusal(error)
        HOLDS.labels("held").inc()
        return web.json_response(said)

    async def _hold(self, held: Asked, content: bytes) -> dict[str, Any]:
        deployment = held.subject.about["deployment"]
        agreement = held.subject.about["agreement"]["name"]
        if stop := self._desk.stopped(deployment["namespace"], deployment["name"], agreement):
            raise RefusedError(403, STOPPED, stop)
        place = Place(held.pod.namespace, f"held-{secrets.token_hex(8)}")
        async with self._desk.locks.of(place):
            await self._count(held, place)
            try:
                return await self._keep(held, place, content)
            except BaseException:
                self._fresh.pop(place, None)
                raise

    async def _count(self, held: Asked, place: Place) -> None:
        """Take a place among those who wait.

        Raises:
            RefusedError: There is none, or nobody knows.
        """
        spec = held.spec("", "", "", 1)
        async with self._counting:
            path = APPROVAL_REQUEST.path()
            try:
                listed = (await self._desk.client.request("GET", path, OPEN_ONES))["items"]
            except Error as error:
                raise _unavailable(f"held requests cannot be counted: {error}") from error
            now = time.monotonic()
            self._fresh = {
                key: one for key, one in self._fresh.items() if now - one[0] < _FRESH_SECONDS
            }
            waiting = {Place(one["metadata"]["namespace"], one["metadata"]["name"]): one["spec"]
                       for one in listed if phase(one) in OPEN}  # fmt: skip
            waiting |= {key: one for key, (_, one) in self._fresh.items()}
            _bound(spec, waiting.values())
            self._fresh[place] = now, spec

    async def _keep(self, held: Asked, place: Place, content: bytes) -> dict[str, Any]:
        began = time.monotonic()
        record = await self._evidence.begin(held.pod, held.fields, held.sealed)
        end: tuple[int, str] = 503, "approval_unavailable"
        try:
            made = await self._made(held, place, content, record)
            end = 403, "held"
        finally:
            # The log has no intents without an end, whatever became of it.
            outcome = {
                "intent": record,
                "status": end[0],
                "verdict": None,
                "response": None,
                "latency_ms": int((time.monotonic() - began) * 1000),
                "reason": end[1],
            }
            await self._evidence.end(held.pod, outcome)
        spec = made["spec"]
        note = f"{spec['requester']['username']} waits for {spec['approvers']} people"
        await notices.post(self._desk.client, made, "Held", note)
        approval = {
            "name": place.name,
            "uid": made["metadata"]["uid"],
            "expires": spec["expiresAt"],
            "approvers": spec["approvers"],
        }
        return {"id": record, "approval": approval}

    async def _made(self, held: Asked, place: Place, content: bytes, record: str) -> Json:
        """Keep the content, make the ApprovalRequest, put it on record; all of it or nothing."""
        approvals = held.approvals()
        expires = datetime.now(UTC) + timedelta(minutes=approvals.expiry_minutes)
        approvers = asked_for(held.line, approvals)
        spec = held.spec(record, secrets.token_hex(16), spelled(expires), approvers)
        body = {
            "apiVersion": APPROVAL_REQUEST.api_version,
            "kind": APPROVAL_REQUEST.kind,
            "metadata": place._asdict(),
            "spec": spec,
        }
        try:
            await asyncio.to_thread(self._desk.contents.keep, place, content)
            made = await self._desk.client.create(APPROVAL_REQUEST, body)
        except FullError as error:
            raise RefusedError(429, TOO_MANY, str(error)) from error
        except (Error, OSError) as error:
            # One that was made all the same is on no record: the next look denies it.
            await self._desk.forget(place)
            raise _unavailable(f"it cannot be held: {error}") from error
        await self._desk.clerk.enter(REQUESTED, _requested(held, made, record))
        return made


def _requested(held: Asked, made: Json, record: str) -> dict[str, Any]:
    spec = made["spec"]
    return {
        "approval": approval_of(made),
        "intent": record,
        "deployment": dict(held.subject.about["deployment"]),
        "agreement": dict(held.subject.about["agreement"]),
        "requester": held.caller,
        "line": held.line,
        "digest": held.digest,
        "quorum": spec["approvers"],
        "expires": f"{spec['expiresAt'].removesuffix('Z')}.000Z",
    }


def _bound(spec: Json, waiting: Iterable[Json]) -> None:
    of_one = of_deployment = 0
    for one in waiting:
        of_one += one["requester"] == spec["requester"]
        of_deployment += one["deployment"]["uid"] == spec["deployment"]["uid"]
    if of_one >= MOST_OF_ONE:
        told = f"{of_one} requests of {spec['requester']['username']} wait for people"
        raise RefusedError(429, TOO_MANY, told)
    if of_deployment >= MOST_OF_DEPLOYMENT:
        told = f"{of_deployment} requests to {spec['deployment']['name']} wait for people"
        raise RefusedError(429, TOO_MANY, told)


def _unavailable(why: str) -> RefusedError:
    return RefusedError(503, "unchecked", why)
