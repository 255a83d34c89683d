"""Held requests at the warden: people are asked there, and what they let go is spent there.

What people see, what they approve and what reaches the engine are the same bytes: the canonical
form (RFC 8785) of the body that would be forwarded, with the agreement's instruction in it.
"""

import asyncio
import hashlib
import logging
from dataclasses import dataclass

from casemate.audit.canonical import canonical
from casemate.evidence import DECISION_HEADER, INTENT
from casemate.gateway.checks import RequestView
from casemate.gateway.entries import Entry, needs_people
from casemate.gateway.errors import Cause, Reason, Refusal
from casemate.gateway.evidence import Records
from casemate.gateway.held import Held, on_record
from casemate.gateway.holdanswers import Asked, is_record, read, refusal_of
from casemate.gateway.link import Link, Said
from casemate.gateway.shape import Accepted
from casemate.holds import (
    APPROVAL_HEADER,
    CONSUME_PATH,
    EXPIRES_HEADER,
    HOLD_SECONDS,
    HOLDS_PATH,
    MOST_CONTENT,
    TOO_LARGE,
)
from casemate.isolation.client import UnheardError

log = logging.getLogger(__name__)
_OK = 200
_GONE = 499, "client_gone"


@dataclass(frozen=True, slots=True)
class _Case:
    """One held request: what was checked, what holds it, and the bytes that would be forwarded."""

    view: RequestView
    held: Held
    content: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Holds:
    """Asks one warden to hold requests, and to spend approvals on them."""

    def __init__(self, link: Link, records: Records) -> None:
        """Prepare, within a running loop.

        Args:
            link: To the warden.
            records: Knows what an intent says, and keeps the other records of a request.
        """
        self._link, self._records = link, records
        self._loop = asyncio.get_running_loop()

    async def let_go(
        self, view: RequestView, forwarded: Accepted, held: Held, approval: str | None
    ) -> tuple[Entry, bytes]:
        """Spend an approval on a held request, or have people asked.

        Returns:
            The request's record, and the very bytes that people have approved.

        Raises:
            Refusal: 403: it is held, or the approval does not let it go; 400, 413: it cannot be
                held; 429: too many are; 503: nobody could be asked.
        """
        try:
            case = _Case(view, held, await _content(forwarded))
        except Refusal as refusal:
            await self._records.refused(view, refusal)
            raise
        if approval is None:
            raise await self._hold(case)
        return await self._unless_gone(case, approval), case.content

    async def _hold(self, case: _Case) -> Refusal:
        """Have people asked, and return what tells the caller of it."""
        entry = self._records.entry()
        said = await self._ask(HOLDS_PATH, case, entry, content=case.content.decode())
        if said.status != _OK:
            raise await self._denied(case, said)
        try:
            asked = read(said.body)
        except ValueError as error:
            raise self._unheard(f"200 {error}") from None
        self._records.kept(INTENT)
        entry.record = asked.record
        return _asked(case.held, asked, entry)

    async def _unless_gone(self, case: _Case, approval: str) -> Entry:
        """Spend an approval; a caller that leaves meanwhile does not leave its record open."""
        spending = asyncio.create_task(self._spend(case, approval))
        try:
            return await asyncio.shield(spending)
        except asyncio.CancelledError:
            self._records.later(self._abandon(spending))
            raise

    async def _abandon(self, spending: asyncio.Task[Entry]) -> None:
        self._records.abandoned(await spending, *_GONE)

    async def _spend(self, case: _Case, approval: str) -> Entry:
        entry = self._records.entry()
        said = await self._ask(CONSUME_PATH, case, entry, approval=approval)
        if said.status != _OK:
            raise await self._denied(case, said)
        record = said.body.get("id")
        if not is_record(record):
            raise self._unheard("200 without a record")
        self._records.kept(INTENT)
        entry.record = str(record)
        return entry

    async def _ask(self, path: str, case: _Case, entry: Entry, **more: str) -> Said:
        verdict = on_record(case.held.judgement)
        intent = self._records.facts(case.view, entry.salt, verdict)
        sealing, payload = self._records.sealing, case.view.payload
        try:
            async with sealing.of_request(intent, entry.content, payload) as sealed:
                body = {"intent": intent, "digest": case.digest, **more, **sealed}
                return await self._link.post(path, body, HOLD_SECONDS)
        except UnheardError as error:
            raise self._unheard(str(error)) from None

    async def _denied(self, case: _Case, said: Said) -> Refusal:
        """Return the refusal that an answer of the warden stands for; it is on record then."""
        refusal = refusal_of(said)
        if refusal is None:
            return self._unheard(f"{said.status} {said.body.get('reason')}")
        refusal.param = case.held.param
        # One too many is only counted: who asks without end must not fill the log.
        named = DECISION_HEADER in refusal.headers
        if not named and refusal.reason is not Reason.TOO_MANY_HELD:
            await self._records.refused(case.view, refusal)
        return refusal

    def _unheard(self, why: str) -> Refusal:
        refusal = self._records.unrecorded(INTENT, why)
        refusal.message = (
            "This request needs the approval of people, and the warden, who asks them and keeps "
            "what they say, does not answer; it is not forwarded."
        )
        refusal.cause = Cause.NOBODY_ASKED
        return refusal


def _asked(held: Held, asked: Asked, entry: Entry) -> Refusal:
    people = "a person" if asked.approvers == 1 else f"{asked.approvers} people"
    told = (
        f"This request needs the approval of {people}: {held.told}. It is held as {asked.name} "
        f"until {asked.expires}; once it is approved, send it again, unchanged, with the header "
        f"{APPROVAL_HEADER}: {asked.name}."
    )
    headers = {**entry.headers, APPROVAL_HEADER: asked.name, EXPIRES_HEADER: asked.expires}
    return needs_people(told, held, headers, asked.told)


async def _content(forwarded: Accepted) -> bytes:
    """Return what people decide about, and what is forwarded then.

    Raises:
        Refusal: 400: it has no canonical form; 413: it is too large.
    """
    try:
        # Numbers take their time, and a caller may send many: not in the event loop.
        content = await asyncio.to_thread(canonical, forwarded.body)
    except ValueError as error:
        raise _formless(error) from None
    if len(content) > MOST_CONTENT:
        raise Refusal(
            413,
            Reason.TOO_LARGE_TO_HOLD,
            f"This request needs the approval of people, who read at most {MOST_CONTENT} bytes; "
            f"it has {len(content)}.",
            cause=Cause(TOO_LARGE),
        )
    return content


def _formless(error: ValueError) -> Refusal:
    return Refusal(
        400,
        Reason.NO_CANONICAL_FORM,
        "This request needs the approval of people, and has no canonical form (RFC 8785) that "
        f"they could approve: {error.__cause__ or error}.",
        cause=Cause.NO_CANONICAL_FORM,
    )
