"""One held request after another: what people have said of it, on record and in its status."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from casemate.api.approval import OPEN
from casemate.api.terms import instant, spelled
from casemate.cluster.kinds import APPROVAL_REQUEST
from casemate.core.approvals import Outcome, decide, report
from casemate.core.decisions import Decided
from casemate.warden import notices
from casemate.warden.desk import Desk, Json, approval_of, phase, place_of
from casemate.warden.metrics import APPROVAL_SECONDS, DECISIONS
from casemate.warden.register import DECIDED, OVER, REVOKED, Known

log = logging.getLogger(__name__)
_RIGHTS_SECONDS = 5.0
"""How long a status may tell of rights and terms that have ended; to spend asks anew."""
_MOST_SEEN = 4096
_OVER = {OVER: "Expired", REVOKED: "Revoked"}


class _Seen(NamedTuple):
    what: object
    """All that was decided about: the stop, and which versions of which objects."""
    at: float
    """On the monotonic clock."""


class Approvals:
    """Looks after the held requests of this replica."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._ignored: set[str] = set()
        """UIDs of requests with names of decisions that do not count, each counted once."""
        self._seen: dict[str, _Seen] = {}

    async def look(self, request: Json) -> None:
        """Bring a request's status and records to what people have said.

        The caller holds its lock.

        Raises:
            Error: The API server does not answer, or the request changed meanwhile.
            RefusedError: Something cannot be put on record.
        """
        known = self._desk.clerk.register.of(request["metadata"]["uid"])
        outcome, stop = _by_the_log(known), self._stop(request)
        if outcome is None:
            decisions = await self._desk.electorate.decisions(*place_of(request))
            if not self._news(request, decisions, stop):
                return
            outcome = await self.judge(request, decisions)
            await self.record(request, outcome)
        if outcome.phase == "Approved" and stop:
            # A stop is lifted again: nothing is let go meanwhile, and nothing is lost by it.
            outcome = replace(outcome, phase="Pending", message=stop, decided_at=None)
        await self.tell(request, outcome)

    def _news(self, request: Json, decisions: Sequence[Json], stop: str) -> bool:
        """Whether there is anything new, or it is time to ask for rights and terms again."""
        uid, now = request["metadata"]["uid"], time.monotonic()
        metas = [request["metadata"], *(one["metadata"] for one in decisions)]
        what = stop, *((one["uid"], one["resourceVersion"]) for one in metas)
        last = self._seen.get(uid)
        if last is not None and last.what == what and now < last.at + _RIGHTS_SECONDS:
            return False
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        self._seen[uid] = _Seen(what, now)
        return True

    async def judge(self, request: Json, decisions: Sequence[Json]) -> Outcome:
        """Return what people's decisions make of a request now; switches are not asked.

        Raises:
            Error: The API server does not tell.
        """
        name = request["spec"]["agreement"]["name"]
        rights = await self._desk.electorate.rights(name, decisions)
        return decide(request, decisions, rights, datetime.now(UTC))

    async def record(self, request: Json, outcome: Outcome) -> None:
        """Put on record what is not yet.

        Raises:
            RefusedError: It cannot be.
        """
        known = self._desk.clerk.register.of(request["metadata"]["uid"])
        if known is None:
            return
        for one in outcome.approvals:
            await self._decided(request, known, one, "approve")
        if outcome.end is not None and outcome.end.verdict == "Deny":
            await self._decided(request, known, outcome.end, "deny")
        elif outcome.end is not None and not known.ended:
            by = _person(outcome.end)
            await self._desk.clerk.enter(REVOKED, {"approval": approval_of(request), "by": by})
        elif outcome.phase == "Expired" and not known.ended:
            await self._desk.clerk.enter(OVER, {"approval": approval_of(request)})
        for ignored in outcome.ignored:
            key = f"{request['metadata']['uid']}/{ignored.decision}"
            if key not in self._ignored:
                self._ignored.add(key)
                DECISIONS.labels("ignored").inc()
                log.warning("%s does not count: %s", ignored.decision, ignored.why)

    async def _decided(self, request: Json, known: Known, one: Decided, verdict: str) -> None:
        if known.said.get(one.username) == verdict:
            return
        fields = {
            "approval": approval_of(request),
            "approver": _person(one),
            "verdict": verdict,
            "digest": request["spec"]["requestDigest"],
            "justification": one.justification,
        }
        await self._desk.clerk.enter(DECIDED, fields)
        DECISIONS.labels(verdict).inc()

    async def tell(self, request: Json, outcome: Outcome) -> None:
        """Write a request's status, if it is another one, and forget its content at the end.

        Raises:
            Error: The API server does not take it.
        """
        status = report(outcome)
        if outcome.phase == "Consumed":
            status["consumedAt"] = spelled(datetime.now(UTC))
        before = request.get("status", {})
        same = {key: value for key, value in before.items() if value not in ([], None)}
        if {key: value for key, value in status.items() if value != []} != same:
            body = {**request, "status": status}
            await self._desk.client.replace(APPROVAL_REQUEST, body, sub="status")
        if outcome.phase not in OPEN:
            await self._desk.forget(place_of(request))
        if outcome.phase != phase(request):
            count(request, outcome)
            await notices.post(self._desk.client, request, outcome.phase, outcome.message)

    def _stop(self, request: Json) -> str:
        spec = request["spec"]
        place = request["metadata"]["namespace"], spec["deployment"]["name"]
        return self._desk.stopped(*place, spec["agreement"]["name"])


def count(request: Json, outcome: Outcome) -> None:
    """Count that a request has come to another phase than it was in."""
    if outcome.phase in {"Approved", "Denied", "Revoked", "Expired"}:
        DECISIONS.labels(outcome.phase.lower()).inc()
    if outcome.phase in {"Approved", "Denied"} and outcome.decided_at is not None:
        created = instant(request["metadata"]["creationTimestamp"])
        APPROVAL_SECONDS.observe(max(0.0, (outcome.decided_at - created).total_seconds()))


def _by_the_log(known: Known | None) -> Outcome | None:
    """Return what the log alone makes of a request that etcd has as open, or None: nothing."""
    now = datetime.now(UTC)
    if known is None:
        why = "this replica's log does not say that it was asked"
        return Outcome("Denied", why, decided_at=now)
    if known.spent:
        return Outcome("Consumed", f"spent on {known.spent}", decided_at=now)
    if known.denied:
        return Outcome("Denied", "denied, as the log says", decided_at=now)
    if known.ended:
        return Outcome(_OVER[known.ended], f"{_OVER[known.ended]}, as the log says", decided_at=now)  # type: ignore[arg-type]
    return None


def _person(one: Decided) -> dict[str, str]:
    return {"username": one.username, "uid": one.approver.uid}
