"""Lets people read what is held: sealed to the key of who asks, for minutes, and never in clear."""

import asyncio
import base64
import hashlib
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from casemate.api.approval import OPEN
from casemate.api.review import ApprovalReviewSpec
from casemate.api.terms import spelled
from casemate.audit import sealing
from casemate.cluster.errors import Conflict, Error
from casemate.cluster.kinds import APPROVAL_REQUEST, APPROVAL_REVIEW
from casemate.core.decisions import is_person
from casemate.core.findings import first
from casemate.warden.desk import Desk, home, phase, place_of
from casemate.warden.metrics import REVIEWS

log = logging.getLogger(__name__)
Json = Mapping[str, Any]
KEPT_SECONDS = 300.0
"""How long a review is there."""
MOST_OF_ONE, MOST = 4, 32
"""Answers of one reader and of all that are there at once: each may be 700 KiB in etcd."""
UNANSWERED = {"fieldSelector": "status.answeredAt=", "resourceVersion": "0"}
_MESSAGE = 1024


class _Answered(NamedTuple):
    namespace: str
    name: str
    reader: str
    until: float
    """On the monotonic clock."""


class NotShownError(Exception):
    """Nothing is shown; says why, to the reader."""


class Reading:
    """Answers ApprovalReviews about requests that this replica holds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._answered: dict[str, _Answered] = {}

    async def look(self) -> None:
        """Answer what is asked, and take away what was answered long enough ago.

        Raises:
            Error: The API server does not answer.
        """
        path = APPROVAL_REVIEW.path()
        for review in (await self._desk.client.request("GET", path, UNANSWERED))["items"]:
            if review["metadata"]["uid"] in self._answered:
                continue
            try:
                await self._answer({**_KIND, **review})
            except Error as error:
                # Nobody waits for what only this one suffers from.
                log.warning("%s is not answered: %s", review["metadata"]["name"], error)
        now = time.monotonic()
        for uid, one in list(self._answered.items()):
            if now >= one.until:
                await self._take_away(uid, one)

    async def sweep(self) -> None:
        """Take away what is too old, whoever answered it or did not.

        Raises:
            Error: The API server does not answer.
        """
        path, now = APPROVAL_REVIEW.path(), datetime.now(UTC)
        for review in (await self._desk.client.request("GET", path, {"limit": "64"}))["items"]:
            meta = review["metadata"]
            made = datetime.fromisoformat(meta["creationTimestamp"])
            if (now - made).total_seconds() >= KEPT_SECONDS:
                await self._desk.client.delete(
                    APPROVAL_REVIEW, meta["namespace"], meta["name"], meta["uid"]
                )

    async def _take_away(self, uid: str, one: _Answered) -> None:
        await self._desk.client.delete(APPROVAL_REVIEW, one.namespace, one.name, uid)
        del self._answered[uid]

    async def _answer(self, review: Json) -> None:
        try:
            content = await self._shown(review)
            if content is None:
                return
            status = await asyncio.to_thread(_sealed, content, review["spec"]["publicKey"])
        except NotShownError as error:
            status = {"message": str(error)[:_MESSAGE]}
        status["answeredAt"] = spelled(datetime.now(UTC))
        result = "sealed" if "sealed" in status else "refused"
        meta, reader = review["metadata"], str(review["spec"]["reviewer"]["username"])
        await self._make_room(reader)
        body = {**review, "status": status}
        try:
            await self._desk.client.replace(APPROVAL_REVIEW, body, sub="status")
        except Conflict:
            return
        REVIEWS.labels(result).inc()
        until = time.monotonic() + KEPT_SECONDS
        place = meta["namespace"], meta["name"]
        self._answered[meta["uid"]] = _Answered(*place, reader, until)
        what = review["spec"]["request"]["name"]
        log.info("%s/%s: %s for %s %s", place[0], what, result, reader, status.get("message", ""))

    async def _make_room(self, reader: str) -> None:
        """Take the oldest answers away where there are as many as may be."""
        own = [uid for uid, one in self._answered.items() if one.reader == reader]
        surplus = max(0, len(own) + 1 - MOST_OF_ONE), max(0, len(self._answered) + 1 - MOST)
        for uid in {*own[: surplus[0]], *list(self._answered)[: surplus[1]]}:
            await self._take_away(uid, self._answered[uid])

    async def _shown(self, review: Json) -> bytes | None:
        """Return the content; None: another replica holds it.

        Raises:
            NotShownError: It is not shown to whoever asks.
            Error: The API server does not tell.
        """
        try:
            spec = ApprovalReviewSpec.model_validate(review["spec"])
        except ValidationError as error:
            raise NotShownError(f"the review breaks a rule: {first(error)}") from None
        if review["metadata"].get("generation") != 1:
            raise NotShownError("the review was edited")
        namespace = review["metadata"]["namespace"]
        request = await self._desk.client.get(APPROVAL_REQUEST, namespace, spec.request.name)
        if request is None or request["metadata"]["uid"] != spec.request.uid:
            raise NotShownError(f"there is no request {spec.request.name} of this uid")
        if home(request) != self._desk.name:
            return None
        if request["spec"]["agreement"]["name"] != spec.agreement:
            raise NotShownError(f"{spec.agreement} is not the agreement of the request")
        if phase(request) not in OPEN:
            raise NotShownError(f"the request is {phase(request)}; what ended is not kept")
        if not is_person(spec.reviewer):
            raise NotShownError(f"{spec.reviewer.username} is no person")
        who = spec.reviewer.model_dump(by_alias=True)
        if refusal := await self._desk.electorate.refusal(who, spec.agreement):
            raise NotShownError(f"{spec.reviewer.username} may not approve: {refusal}")
        return await asyncio.to_thread(self._read, request)

    def _read(self, request: Json) -> bytes:
        try:
            content = self._desk.contents.content(place_of(request))
        except (OSError, sealing.SealError) as error:
            raise NotShownError(f"the content cannot be read: {error}") from error
        if content is None:
            raise NotShownError("the content is not kept any more")
        if hashlib.sha256(content).hexdigest() != request["spec"]["requestDigest"]:
            raise NotShownError("the content is not what the request's digest is of")
        return content


def _sealed(content: bytes, pem: str) -> dict[str, str]:
    try:
        sealed = sealing.seal(content, sealing.recipient(pem))
    except sealing.SealError as error:
        raise NotShownError(f"spec.publicKey: {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    return {"sealed": base64.b64encode(sealed).decode(), "sha256": digest}


_KIND = {"apiVersion": APPROVAL_REVIEW.api_version, "kind": APPROVAL_REVIEW.kind}
"""What items of a list lack."""
