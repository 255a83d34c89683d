"""Spends an approval on the very request that people approved, once.

Nothing that was known before counts: request, decisions, rights and terms are read anew, and the
log stands above all of them. In every doubt the request stays where it is.
"""

import logging
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web

from casemate.api.terms import spelled
from casemate.cluster.errors import Conflict, Error
from casemate.cluster.kinds import APPROVAL_REQUEST
from casemate.core.approvals import Outcome, report
from casemate.evidence import ELSEWHERE, ELSEWHERE_STATUS, REFUSED
from casemate.holds import (
    ANOTHER,
    CONSUME_PATH,
    DENIED,
    EXPIRED,
    PENDING,
    REVOKED,
    SPENT,
    STOPPED,
    UNKNOWN,
)
from casemate.warden import notices, register
from casemate.warden.answers import Callers
from casemate.warden.approvals import Approvals, count
from casemate.warden.callers import RefusedError
from casemate.warden.contents import Place
from casemate.warden.desk import Desk, Json, approval_of, home, phase
from casemate.warden.evidence import Evidence
from casemate.warden.heldrequests import MOST_SEALED_TEXT, Asked, approval_name, asked
from casemate.warden.matching import NotLetGoError, absent, others, require_open
from casemate.warden.metrics import CONSUMPTIONS
from casemate.warden.register import Known
from casemate.warden.requests import bearer
from casemate.warden.subjects import Subjects

log = logging.getLogger(__name__)
_MOST_BODY = (1 << 19) + MOST_SEALED_TEXT
"""An intent has findings, and no content but a sealed one."""
_PHASES = {
    "Pending": PENDING,
    "Denied": DENIED,
    "Expired": EXPIRED,
    "Revoked": REVOKED,
    "Consumed": SPENT,
}


class ElsewhereError(Exception):
    """Another replica's log holds the request.

    Attributes:
        replica: Name of its pod.
    """

    def __init__(self, replica: str) -> None:
        super().__init__(f"{replica} holds it")
        self.replica = replica


class _Approved(NamedTuple):
    request: Json
    known: Known
    outcome: Outcome


class Consumption:
    """Answers retries that name an approval."""

    def __init__(
        self, desk: Desk, callers: Callers, subjects: Subjects, evidence: Evidence
    ) -> None:
        self._desk, self._callers, self._subjects = desk, callers, subjects
        self._evidence, self._approvals = evidence, Approvals(desk)

    def route(self) -> web.RouteDef:
        """Return where gateways spend approvals."""
        return web.post(CONSUME_PATH, self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        pod = await self._callers.pod(bearer(request), request.remote or "")
        try:
            held = await asked(request, pod, self._subjects, "approval", most=_MOST_BODY)
            record = await self._spend(held)
        except ElsewhereError as error:
            CONSUMPTIONS.labels(ELSEWHERE).inc()
            said = {"reason": ELSEWHERE, "replica": error.replica}
            return web.json_response(said, status=ELSEWHERE_STATUS)
        except NotLetGoError as error:
            CONSUMPTIONS.labels(error.reason).inc()
            return await self._refused(held, error)
        except RefusedError as error:
            CONSUMPTIONS.labels(STOPPED if error.reason == STOPPED else "failed").inc()
            raise
        CONSUMPTIONS.labels("let_go").inc()
        return web.json_response({"id": record})

    async def _refused(self, held: Asked, error: NotLetGoError) -> web.Response:
        name, caller = approval_name(held), held.caller["username"]
        log.warning("%s %r of %s lets nothing go: %s", error.reason, name, caller, error)
        about = held.subject.about
        fields = {
            "deployment": about["deployment"],
            "pod": about["pod"],
            "caller": held.caller,
            "status": int(HTTPStatus.FORBIDDEN),
            "reason": error.reason,
        }
        record = await self._evidence.append(REFUSED, fields)
        said = {"reason": error.reason, "message": str(error), "id": record}
        return web.json_response(said, status=HTTPStatus.FORBIDDEN)

    async def _spend(self, held: Asked) -> str:
        """Return the intent that an approval is spent on.

        Raises:
            NotLetGoError: It lets nothing go.
            ElsewhereError: Another replica must say.
            RefusedError: Nobody can tell, or nothing can be put on record.
        """
        name = approval_name(held)
        if not name:
            raise NotLetGoError(UNKNOWN, "an approval's name is accepted, such as held-0123abcd")
        place = Place(held.pod.namespace, name)
        async with self._desk.locks.of(place):
            try:
                found = await self._judged(held, place)
                return await self._let_go(held, found)
            except Error as error:
                raise _unchecked(f"the approval cannot be checked: {error}") from error

    async def _judged(self, held: Asked, place: Place) -> _Approved:
        """Return what lets the request go, or raise why nothing does."""
        request = await self._desk.client.get(APPROVAL_REQUEST, *place)
        if request is None:
            raise absent(self._desk.clerk.register.named(*place), place)
        if home(request) != self._desk.name:
            raise ElsewhereError(home(request))
        known = self._desk.clerk.register.of(request["metadata"]["uid"])
        if known is None:
            raise NotLetGoError(UNKNOWN, f"the log does not say that {place.name} was asked")
        require_open(known)
        if differing := [*others(held, request, known)]:
            told = f"{place.name} is for another request: {', '.join(differing)} differ"
            raise NotLetGoError(ANOTHER, told)
        self._running(held)
        if doubt := self._desk.client.clock.doubt():
            raise _unchecked(doubt)
        decisions = await self._desk.electorate.decisions(*place)
        outcome = await self._approvals.judge(request, decisions)
        await self._approvals.record(request, outcome)
        # Once more, behind all that took its time: a stop must not be overtaken.
        self._running(held)
        if outcome.phase != "Approved":
            raise NotLetGoError(_PHASES[outcome.phase], f"{place.name}: {outcome.message}")
        return _Approved(request, known, outcome)

    def _running(self, held: Asked) -> None:
        deployment = held.subject.about["deployment"]
        agreement = held.subject.about["agreement"]["name"]
        stop = self._desk.stopped(deployment["namespace"], deployment["name"], agreement)
        if stop:
            raise NotLetGoError(STOPPED, stop)

    async def _let_go(self, held: Asked, found: _Approved) -> str:
        """Put it on record, set the status, put that on record; a crash in between spends it."""
        approval = approval_of(found.request)
        fields = {**held.fields, "approval": approval}
        record = await self._evidence.begin(held.pod, fields, held.sealed)
        self._desk.clerk.register.note("intent", fields, record)
        now = spelled(datetime.now(UTC))
        status = report(found.outcome) | {
            "phase": "Consumed",
            "consumedAt": now,
            "message": f"sent to the model, as {record}",
        }
        try:
            body = {**found.request, "status": status}
            await self._desk.client.replace(APPROVAL_REQUEST, body, sub="status")
        except Error as error:
            await self._given_up(held, record, conflict=isinstance(error, Conflict))
            raise
        consumed = {
            "approval": approval,
            "intent": record,
            "digest": held.digest,
            "caller": held.caller,
            "approvers": [one.username for one in found.outcome.approvals],
        }
        await self._desk.clerk.enter(register.CONSUMED, consumed)
        if phase(found.request) == "Pending":
            count(found.request, found.outcome)
        await self._desk.forget(Place(approval["namespace"], approval["name"]))
        await notices.post(self._desk.client, found.request, "Consumed", status["message"])
        return record

    async def _given_up(self, held: Asked, record: str, *, conflict: bool) -> None:
        """End an intent whose approval may not be spent: the next look at the status tells."""
        outcome = {
            "intent": record,
            "status": int(HTTPStatus.SERVICE_UNAVAILABLE),
            "verdict": None,
            "response": None,
            "latency_ms": 0,
            "reason": "approval_conflict" if conflict else "approval_unavailable",
        }
        await self._evidence.end(held.pod, outcome)
        self._desk.clerk.register.note("outcome", outcome, "")


def _unchecked(why: str) -> RefusedError:
    return RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "unchecked", why)
