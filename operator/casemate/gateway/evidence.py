"""Records of requests at the warden: an intent before the engine, an outcome before the end.

No record, no answer: whatever cannot be put on the warden's disk is refused.
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from casemate.evidence import (
    APPEND_SECONDS,
    DECISION_HEADER,
    INTENT,
    KEY,
    KEY_BYTES,
    OUTCOME,
    RECEIPT_SECONDS,
    RECEIPTS_PATH,
    RECORDS_PATH,
    REFUSED,
    SALT_BYTES,
)
from casemate.gateway.callers import Caller
from casemate.gateway.checks import RequestView
from casemate.gateway.entries import Entry, no_such_record
from casemate.gateway.errors import Reason, Refusal
from casemate.gateway.link import Link
from casemate.gateway.sealing import Sealing
from casemate.gateway.stops import stopped
from casemate.isolation.client import UnheardError
from casemate.stops import STOPPED

log = logging.getLogger(__name__)
_OK, _NOT_FOUND = 200, 404
_ALLOW: Mapping[str, Any] = {"verdict": "allow", "line": None, "tier": None, "findings": []}


class Records:
    """Sends records to the warden."""

    def __init__(
        self,
        link: Link,
        guard: Callable[[], Mapping[str, str]],
        count: Callable[[str, str], None],
        sealing: Sealing,
    ) -> None:
        """Prepare, within a running loop.

        Args:
            link: To the warden.
            guard: Digests of the bundle and the policy in force.
            count: Counts a record by its kind and result.
            sealing: Keeps contents, where the agreement wants them.
        """
        self._link, self._guard, self._count = link, guard, count
        self.sealing = sealing
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=APPEND_SECONDS)

    async def intent(self, view: RequestView) -> Entry:
        """Record that a request is about to reach the engine.

        Raises:
            Refusal: 503: it is not on record, so it does not reach it.
        """
        entry = self.entry()
        fields = self.facts(view, entry.salt, _ALLOW)
        async with self.sealing.of_request(fields, entry.content, view.payload) as more:
            entry.record = await self._send(INTENT, **fields, **more)
        return entry

    def entry(self) -> Entry:
        """Return the entry of a request that begins, and is on no record yet.

        Raises:
            Refusal: 503: nothing judges now.
        """
        salt = os.urandom(SALT_BYTES)
        return Entry("", salt, self._loop.time(), content=self.sealing.begin(salt))

    def facts(self, view: RequestView, salt: bytes, verdict: Mapping[str, Any]) -> dict[str, Any]:
        """Return what an intent says of a request.

        Raises:
            Refusal: 503: nothing judges now.
        """
        return {
            "caller": _person(view.caller),
            "route": view.route.value,
            "model": str(view.body["model"]),
            "guard": self._guard(),
            "request": {
                "sha256": hashlib.sha256(salt + view.payload).hexdigest(),
                "bytes": len(view.payload),
                "stream": bool(view.body.get("stream")),
            },
            "verdict": verdict,
        }

    async def refused(self, view: RequestView, refusal: Refusal) -> None:
        """Record that a request was refused before it reached the engine.

        Raises:
            Refusal: 503: it is not on record.
        """
        record = await self._send(
            REFUSED,
            caller=_person(view.caller),
            status=refusal.status,
            reason=_reason(refusal),
        )
        refusal.headers = {**refusal.headers, DECISION_HEADER: record}

    async def outcome(self, entry: Entry, status: int, refusal: Refusal | None = None) -> None:
        """Record what became of a request, once.

        Raises:
            Refusal: 503: it is not on record, so what is left of the answer stays here.
        """
        if not entry.ended:
            entry.ended = True
            refused = refusal is not None and refusal.reason is Reason.CHECK_REFUSED
            reason = _reason(refusal) if refusal else None
            await self._end(entry, status, reason, "refuse" if refused else _verdict(status))

    def abandoned(self, entry: Entry, status: int, reason: str) -> None:
        """Record in the background what became of a request whose caller has left."""
        if not entry.ended:
            entry.ended = True
            self.later(self._end(entry, status, reason, _verdict(status)))

    async def receipt(self, record: str, caller: Caller) -> str:
        """Return the receipt of a caller's own record, as text (C2SP tlog-proof).

        Raises:
            Refusal: 404: there is no such record of this caller; 503: nobody can tell.
        """
        body = {"id": record, "caller": _person(caller)}
        home = record.rpartition("/")[0]
        try:
            said = await self._link.post(RECEIPTS_PATH, body, RECEIPT_SECONDS, home)
        except UnheardError as error:
            raise _unshown(str(error)) from None
        receipt = said.body.get("receipt")
        if said.status == _OK and isinstance(receipt, str):
            return receipt
        if said.status == _NOT_FOUND:
            raise no_such_record()
        raise _unshown(f"{said.status} {said.body.get('reason')}")

    async def _end(
        self, entry: Entry, status: int, reason: str | None, verdict: str | None
    ) -> None:
        latency = self._loop.time() - entry.began
        fields = {
            "intent": entry.record,
            "status": status,
            "verdict": verdict,
            "response": entry.response(),
            "latency_ms": int(latency * 1000),
            "reason": reason,
        }
        # To where its intent is; to another log only while that one is away.
        home = entry.record.rpartition("/")[0]
        async with self.sealing.of_answer(fields, entry.content) as more:
            await self._send(OUTCOME, home, **fields, **more)

    def later(self, call: Coroutine[Any, Any, None]) -> None:
        """Do something in the background, for a caller that has left."""
        task = asyncio.create_task(call)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # it was counted and logged

    async def _send(self, kind: str, replica: str = "", **fields: Any) -> str:
        # What is sent twice, as a connection broke, stands in one log but once.
        body = {"kind": kind, KEY: os.urandom(KEY_BYTES).hex(), **fields}
        try:
            said = await self._link.post(RECORDS_PATH, body, APPEND_SECONDS, replica)
        except UnheardError as error:
            raise self.unrecorded(kind, str(error)) from None
        if said.body.get("reason") == STOPPED:
            # The warden knew it before we heard: no record failed.
            raise stopped(str(said.body.get("switch") or ""))
        record = said.body.get("id")
        if said.status != _OK or not isinstance(record, str) or not record:
            raise self.unrecorded(kind, f"{said.status} {said.body.get('reason')}")
        self.kept(kind)
        return record

    def kept(self, kind: str) -> None:
        """Count a record that the warden keeps."""
        self._count(kind, "ok")

    def unrecorded(self, kind: str, why: str) -> Refusal:
        """Count a record that it does not keep, and return the refusal that follows."""
        self._count(kind, "failed")
        log.error("no record of kind %s: %s; nothing more is released", kind, why)
        return Refusal(
            503,
            Reason.EVIDENCE_UNAVAILABLE,
            "This request cannot be put on record, so it is not answered.",
            headers={"Retry-After": "5"},
        )


def _unshown(why: str) -> Refusal:
    log.warning("no receipt: %s", why)
    return Refusal(
        503,
        Reason.EVIDENCE_UNAVAILABLE,
        "The log that holds this record cannot be asked at the moment; try again shortly.",
        headers={"Retry-After": "5"},
    )


def _person(caller: Caller) -> dict[str, str]:
    return {"username": caller.username, "uid": caller.uid}


def _reason(refusal: Refusal) -> str:
    return refusal.cause.value if refusal.cause else refusal.reason.value


def _verdict(status: int) -> str | None:
    """Return the verdict on an answer that no check refused, where there was one."""
    return "allow" if status == _OK else None
