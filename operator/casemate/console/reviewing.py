"""One held request: shown whole, decided about, and what came of that."""

from asyncio import gather, to_thread
from collections.abc import Callable
from datetime import datetime
from typing import get_args

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from casemate.api.approval import OPEN, Verdict
from casemate.api.model import Reasoning
from casemate.api.names import decision_name
from casemate.api.persons import Person
from casemate.api.terms import instant
from casemate.console import fences
from casemate.console.access import Json
from casemate.console.metrics import DECISIONS
from casemate.console.pages.queue import path
from casemate.console.pages.review import (
    DIGEST,
    LONGEST,
    REASON,
    SHORTEST,
    UID,
    VERDICT,
    Held,
    decided,
    review,
)
from casemate.console.sessions import Session
from casemate.console.visits import fields, session_of, signed
from casemate.core.decisions import is_person, same_person
from casemate.deciding.refusals import Away, DeskError, Refused, Unreadable
from casemate.deciding.review import Review, ReviewError
from casemate.deciding.review import review as read
from casemate.deciding.tables import ended, phase

_REQUEST = "/requests/{namespace:[-a-z0-9]{1,63}}/{name:[-a-z0-9]{1,63}}"
_REASONING: TypeAdapter[str] = TypeAdapter(Reasoning)


class Reviewing:
    """The pages of one request.

    Args:
        now: The moment.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get(_REQUEST, self._review),
            web.post(f"{_REQUEST}/decide", self._decide),
            web.get(f"{_REQUEST}/decided", self._decided),
        ]

    async def _review(self, request: web.Request) -> web.Response:
        return await self._page(session_of(request), await _asked(request))

    async def _decide(self, request: web.Request) -> web.Response:
        session, given = session_of(request), await fields(request)
        verdict = _verdict(given.get(VERDICT, ""))
        asked, reason = await _asked(request), " ".join(given.get(REASON, "").split())
        if (asked["metadata"]["uid"], asked["spec"]["requestDigest"]) != (
            given.get(UID),
            given.get(DIGEST),
        ):
            DECISIONS.labels(verdict, "changed").inc()
            problem = "This is another request than you were shown. Nothing was decided: read it."
            return await self._page(session, asked, 409, problem, reason)
        if not _fits(reason):
            problem = f"The reason must be {SHORTEST} to {LONGEST} characters that can be seen."
            return await self._page(session, asked, 400, problem, reason)
        try:
            await session.access.desk.decide(asked, verdict, reason)
        except DeskError as error:
            away = isinstance(error, Away)
            DECISIONS.labels(verdict, "unanswered" if away else "refused").inc()
            return await self._page(session, asked, 502 if away else 403, f"{error}.", reason)
        DECISIONS.labels(verdict, "made").inc()
        # A page that is fetched anew must decide nothing again.
        return web.Response(status=303, headers={"Location": f"{path(asked)}/decided"})

    async def _decided(self, request: web.Request) -> web.Response:
        session, asked = session_of(request), await _asked(request)
        meta = asked["metadata"]
        desk = session.access.desk
        said, agreement = await gather(
            desk.decisions(meta["namespace"], meta["name"]),
            desk.agreement(asked["spec"]["agreement"]["name"]),
        )
        own = _own(asked, said, session)
        last = own.get("Revoke") or own.get("Approve")
        page = decided(Held(asked, agreement, said, None), last, self._now(), signed(session))
        return fences.html(page)

    async def _page(
        self, session: Session, asked: Json, status: int = 200, problem: str = "", reason: str = ""
    ) -> web.Response:
        meta = asked["metadata"]
        desk = session.access.desk
        said, agreement, content = await gather(
            desk.decisions(meta["namespace"], meta["name"]),
            desk.agreement(asked["spec"]["agreement"]["name"]),
            _content(session, asked),
        )
        shown, unreadable = (content, "") if isinstance(content, Review) else (None, content)
        own = _own(asked, said, session)
        held = Held(
            asked,
            agreement,
            said,
            shown,
            unreadable,
            _barred(asked, own, session, self._now()),
            revocable=_approves(own),
        )
        # What is held may be long, and other people's pages do not wait for it.
        page = await to_thread(review, held, self._now(), signed(session), problem, reason)
        return fences.html(page, status)


async def _asked(request: web.Request) -> Json:
    where = request.match_info
    return await session_of(request).access.desk.request(where["namespace"], where["name"])


async def _content(session: Session, asked: Json) -> Review | str:
    """Return the content, or why it cannot be shown."""
    if phase(asked) not in OPEN:
        return f"{ended(asked)}."
    try:
        return await to_thread(read, await session.access.desk.content(asked))
    except (Refused, Unreadable, Away, ReviewError) as error:
        return f"{error}."


def _own(asked: Json, said: list[Json], session: Session) -> dict[Verdict, Json]:
    """Return what somebody has said about a request: under Approve also a denial."""
    named = {one["metadata"]["name"]: one for one in said}
    verdicts: tuple[Verdict, ...] = ("Approve", "Revoke")
    names = {
        one: decision_name(asked["metadata"]["name"], one, session.who.username) for one in verdicts
    }
    return {one: named[name] for one, name in names.items() if name in named}


def _barred(asked: Json, own: dict[Verdict, Json], session: Session, now: datetime) -> str:
    """Return why somebody cannot decide; "": nothing here says that they cannot."""
    if phase(asked) not in OPEN:
        return f"Nobody decides any more: {ended(asked)}."
    if instant(asked["spec"]["expiresAt"]) <= now:
        return "Nobody decides any more: the request has expired."
    return _nobody(asked, session) or _silent(own)


def _nobody(asked: Json, session: Session) -> str:
    """Return why somebody is nobody who may decide."""
    if not is_person(session.who):
        return "You are signed in as a program: only people decide."
    if same_person(session.who, Person.model_validate(asked["spec"]["requester"])):
        return "You made this request: other people decide about it."
    return ""


def _silent(own: dict[Verdict, Json]) -> str:
    """Return why somebody has no more to say."""
    if "Revoke" in own:
        return "You have taken your approval back."
    if "Approve" in own and not _approves(own):
        return "You have denied this request, and that is final."
    return ""


def _approves(own: dict[Verdict, Json]) -> bool:
    return "Approve" in own and own["Approve"]["spec"]["verdict"] == "Approve"


def _verdict(given: str) -> Verdict:
    for one in get_args(Verdict):
        if one == given:
            return one  # type: ignore[no-any-return]
    raise fences.malformed("A decision is to approve, to deny, or to take an approval back.")


def _fits(reason: str) -> bool:
    try:
        _REASONING.validate_python(reason)
    except ValidationError:
        return False
    return True
