"""Takes in records of requests: whoever has an answer has it on this replica's disk."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from typing import Any

import orjson
from aiohttp import web

from casemate.audit.records import RecordError, RecordId, check
from casemate.evidence import INTENT, KEY, OUTCOME, RECORDS_PATH, REFUSED, SEALED
from casemate.warden.answers import Callers
from casemate.warden.archive import Archive
from casemate.warden.callers import Pod, RefusedError
from casemate.warden.ended import Ended
from casemate.warden.homes import Homes, Standing, no_such_intent
from casemate.warden.log.errors import BackPressureError, LogError
from casemate.warden.log.stamp import STAMPED
from casemate.warden.log.store import Log
from casemate.warden.metrics import APPEND_SECONDS, RECORDS
from casemate.warden.repeats import Repeats
from casemate.warden.requests import bad_report, bearer, body_of
from casemate.warden.sealed import MOST_ENCODED, Sealed, kept_days, require, sealed_of
from casemate.warden.stops import Stops
from casemate.warden.subjects import Subjects

_OPEN = 100_000
"""Intents whose outcome is awaited, with whose they are; of older ones the log must be read."""
_LONGEST_KEY = 64
SMALL = 1 << 14
"""Bytes of a record without a content."""
MOST_BODY = SMALL + MOST_ENCODED
LARGE_AT_ONCE = 8
"""Larger ones that are read and kept at once."""
READ_SECONDS = 5.0
"""How long a larger one may take to come."""
_OF_WHOM = {INTENT: None, REFUSED: ("deployment", "pod"), OUTCOME: ()}
"""What the warden itself says in a record, by its kind; None: all that it knows of the pod."""


class Evidence:
    """Appends records for gateways."""

    def __init__(
        self,
        log: Log,
        name: str,
        callers: Callers,
        subjects: Subjects,
        stops: Stops,
        *,
        archive: Archive,
        ended: Ended,
        homes: Homes | None = None,
    ) -> None:
        """Take in nothing yet.

        Args:
            log: Where records are kept.
            name: Of this replica's pod; records are named by it.
            callers: Knows the pod that calls.
            subjects: Knows what it stands for.
            stops: Knows what is stopped.
            archive: Where contents are kept that records name.
            ended: Knows which intents of the log have their outcome; was shown all of it.
            homes: Knows the logs of other replicas; None: there are none.
        """
        self._log, self._name = log, name
        self._callers, self._subjects, self._stops = callers, subjects, stops
        self._archive, self._large = archive, asyncio.Semaphore(LARGE_AT_ONCE)
        self._homes, self._repeats = homes, Repeats()
        self._open: OrderedDict[RecordId, str] = OrderedDict()
        self._ended, self._ending = ended, set[RecordId]()

    def route(self) -> web.RouteDef:
        """Return where gateways send records."""
        return web.post(RECORDS_PATH, self._record)

    async def _record(self, request: web.Request) -> web.Response:
        pod = await self._callers.pod(bearer(request), request.remote or "")
        size = request.content_length
        if size is not None and size <= SMALL:
            name = await self._once(pod, await body_of(request))
        else:
            async with self._large:
                name = await self._once(pod, await _large(request))
        return web.json_response({"id": name})

    async def _once(self, pod: Pod, body: Any) -> str:
        if isinstance(body, dict) and KEY in body:
            # With its key, a body is the same as another only where that was sent twice.
            return await self._repeats.once((pod.uid, _digest(body)), lambda: self._kept(pod, body))
        return await self._kept(pod, body)

    async def _kept(self, pod: Pod, body: Any) -> str:
        kind, fields, given = _given(body)
        fields |= await self._about(pod, kind)
        try:
            check(kind, fields)
        except RecordError as error:
            raise bad_report(str(error)) from None
        sealed = await self._sealed(pod, kind, fields, given)
        if kind == INTENT:
            _let_pass(fields)
            return await self.begin(pod, fields, sealed)
        if kind == OUTCOME:
            return await self.end(pod, fields, sealed)
        return await self.append(kind, fields)

    async def standing(self, intent: str) -> Standing:
        """Return what this replica knows of an intent.

        Raises:
            ValueError: That is no id.
        """
        where = RecordId.parse(intent)
        return Standing(await self._owner(where), self._log.takes, where in self._ended)

    async def _sealed(
        self, pod: Pod, kind: str, fields: dict[str, Any], given: object
    ) -> Sealed | None:
        if given is None:
            # For how long a content is kept depends on the terms, and here is none.
            sealed = sealed_of(kind, fields, given, {})
        else:
            terms = await self._subjects.terms(pod)
            sealed = await asyncio.to_thread(sealed_of, kind, fields, given, terms)
        if kind not in {INTENT, OUTCOME}:
            return sealed
        stamped = await self._subjects.stamped(pod)
        require(kind, fields, sealed, stamped)
        if sealed is None or kind == INTENT:
            return sealed
        # Its request may have come under the terms before: an inspector counts by these.
        return sealed._replace(days=max(sealed.days, kept_days(stamped)))

    async def begin(self, pod: Pod, fields: dict[str, Any], sealed: Sealed | None = None) -> str:
        """Append an intent of a pod, whose outcome is awaited; returns its id.

        Raises:
            RefusedError: A kill switch is on, nobody knows of one, or it cannot be kept.
        """
        await self._keep(sealed)
        # The last thing before it is written: nothing may come in between.
        self._stops.require_none(pod.namespace, pod.deployment, str(fields["agreement"]["name"]))
        name = await self.append(INTENT, fields)
        self._open[RecordId.parse(name)] = pod.uid
        while len(self._open) > _OPEN:
            self._open.popitem(last=False)
        return name

    async def _about(self, pod: Pod, kind: str) -> dict[str, Any]:
        wanted = _OF_WHOM[kind]
        if wanted == ():
            return {}
        known = await self._subjects.about(pod)
        return known if wanted is None else {name: known[name] for name in wanted}

    async def end(self, pod: Pod, fields: dict[str, Any], sealed: Sealed | None = None) -> str:
        """Append the outcome of an intent, or return the one that it has.

        A gateway whose connection broke sends it again, word for word, and may have no other.

        Raises:
            RefusedError: There is no such intent of this pod, it has another outcome, or another
                replica must be told.
        """
        intent = RecordId.parse(str(fields["intent"]))
        if intent in self._ended:
            return await self._again(intent, pod, fields)
        # Of two that come at once, one is refused.
        if intent in self._ending:
            raise no_such_intent()
        self._ending.add(intent)
        try:
            await self._require(intent, pod)
            await self._keep(sealed)
            name = await self.append(OUTCOME, fields)
            self._ended.note(intent, RecordId.parse(name).index)
        finally:
            self._ending.discard(intent)
        self._open.pop(intent, None)
        return name

    async def _again(self, intent: RecordId, pod: Pod, fields: dict[str, Any]) -> str:
        """Return the outcome that an intent has, to whoever gave the very same."""
        if intent.pod == self._name and await self._owner(intent) != pod.uid:
            raise no_such_intent()
        index = self._ended.outcome(intent)
        if index is not None:
            record = await self._record_at(index)
            if {name: one for name, one in record.items() if name not in STAMPED} == fields:
                return str(RecordId(self._name, index))
        raise RefusedError(409, "intent_ended", f"{intent} has an outcome, and it is another one")

    async def _require(self, where: RecordId, pod: Pod) -> None:
        """Refuse the outcome of an intent that is not this pod's, or that another replica takes."""
        if where.pod != self._name and self._homes is not None:
            await self._homes.require(where.pod, str(where), pod.uid)
        elif await self._owner(where) != pod.uid:
            raise no_such_intent()

    async def _owner(self, where: RecordId) -> str:
        """Return the UID of the pod that recorded an intent in this log; empty: there is none."""
        if where in self._open:
            return self._open[where]
        if where.pod != self._name or where.index >= self._log.size:
            return ""
        record = await self._record_at(where.index)
        return str(record["pod"]["uid"]) if record["kind"] == INTENT else ""

    async def _record_at(self, index: int) -> dict[str, Any]:
        (entry,) = await asyncio.to_thread(list, self._log.read(index, index + 1))
        record: dict[str, Any] = orjson.loads(entry.record)
        return record

    async def _keep(self, sealed: Sealed | None) -> None:
        """Keep what a record names, before there is that record."""
        if sealed is not None:
            await self._archive.keep(*sealed)

    async def append(self, kind: str, fields: dict[str, Any]) -> str:
        """Append a record; returns its id once it is on the disk.

        Raises:
            RefusedError: It cannot be kept.
        """
        began = time.monotonic()
        try:
            entry = await self._log.append(kind, fields)
        except BackPressureError as error:
            raise RefusedError(503, "log_busy", str(error)) from error
        except LogError as error:
            raise RefusedError(503, "log_unavailable", str(error)) from error
        APPEND_SECONDS.observe(time.monotonic() - began)
        RECORDS.labels(kind).inc()
        return str(RecordId(self._name, entry.index))


async def _large(request: web.Request) -> Any:
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await body_of(request.clone(client_max_size=MOST_BODY))
    except TimeoutError:
        raise bad_report(f"all of a record within {READ_SECONDS} s is accepted") from None


def _given(body: Any) -> tuple[str, dict[str, Any], object]:
    """Return the kind of what a gateway sent, its fields, and what stands beside the record."""
    if not isinstance(body, dict) or not isinstance(body.get("kind"), str):
        raise bad_report("an object with a kind is accepted")
    fields = dict(body)
    kind = fields.pop("kind")
    key = fields.pop(KEY, "")
    if not isinstance(key, str) or len(key) > _LONGEST_KEY:
        raise bad_report(f"{KEY}: a text of up to {_LONGEST_KEY} characters is accepted")
    if kind not in _OF_WHOM:
        raise bad_report(f"kind {kind!r}; accepted: {', '.join(_OF_WHOM)}")
    given = fields.pop(SEALED, None) if kind in {INTENT, OUTCOME} else None
    return kind, fields, given


def _digest(body: Any) -> bytes:
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()


def _let_pass(fields: dict[str, Any]) -> None:
    """Make sure that an intent is one that the guard lets pass.

    What it holds goes on by an approval alone, which a gateway cannot say that it has.

    Raises:
        RefusedError: It is held or refused, or names an approval.
    """
    verdict = fields["verdict"]["verdict"]
    if verdict != "allow":
        raise bad_report(f"verdict: {verdict} was given; accepted here: allow")
    if "approval" in fields:
        raise bad_report("approval: only the warden names one")
