"""Signing in with one's own token, and out."""

import logging
import re
from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from casemate.api.persons import Approver
from casemate.console import fences
from casemate.console.access import Access, EndedTokenError
from casemate.console.fences import SESSION_COOKIE, START_COOKIE
from casemate.console.limits import Attempts
from casemate.console.metrics import SIGN_INS
from casemate.console.pages import frame
from casemate.console.pages.frame import CSRF
from casemate.console.pages.signin import LONGEST, TOKEN, sign_in
from casemate.console.sessions import FullError, Sessions, drawn
from casemate.console.visits import fields
from casemate.deciding.refusals import Away, DeskError

log = logging.getLogger(__name__)

Enter = Callable[[str], Access]

_TOKEN = re.compile(rf"[!-~]{{1,{LONGEST}}}")
_WHY = {
    "ended": "You are not signed in, or were not active for 15 minutes.",
    "token": "Your token has ended: sign in with a new one.",
    "out": "You are signed out.",
}


class _Problem(NamedTuple):
    """Why nobody is signed in."""

    status: int
    result: str
    sentence: str


_FORM = _Problem(400, "bad_token", "A token is one word of visible characters.")
_OFTEN = _Problem(429, "too_often", "There were too many attempts: try again in a minute.")


class Entrance:
    """The pages for people who are not signed in.

    Args:
        sessions: Who is signed in.
        attempts: How often people tried.
        enter: What the holder of a token may do.
    """

    def __init__(self, sessions: Sessions, attempts: Attempts, enter: Enter) -> None:
        self._sessions, self._attempts, self._enter = sessions, attempts, enter

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get(frame.SIGN_IN, self._page),
            web.post(frame.SIGN_IN, self._sign_in),
            web.post(frame.SIGN_OUT, self._sign_out),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        return self._form(request, 200, _WHY.get(request.query.get("why", ""), ""))

    async def _sign_in(self, request: web.Request) -> web.Response:
        given = await fields(request)
        fences.check_form(request, given.get(CSRF), request.cookies.get(START_COOKIE, ""))
        opened = await self._open(request, given.get(TOKEN, "").strip())
        if isinstance(opened, _Problem):
            SIGN_INS.labels(opened.result).inc()
            log.warning("nobody signed in from %s: %s", request.remote, opened.result)
            return self._form(request, opened.status, opened.sentence)
        SIGN_INS.labels("signed_in").inc()
        log.info("somebody signed in from %s", request.remote)
        self._attempts.forgive(request.remote or "")
        # Whoever was signed in by this browser before is no more.
        await self._sessions.close(request.cookies.get(SESSION_COOKIE, ""))
        response = web.Response(status=303, headers={"Location": frame.QUEUE})
        fences.set_cookie(response, SESSION_COOKIE, opened)
        fences.drop_cookie(response, START_COOKIE)
        return response

    async def _open(self, request: web.Request, token: str) -> str | _Problem:
        """Return the id of a new session, or why there is none."""
        if not self._attempts.allow(request.remote or ""):
            return _OFTEN
        if not _TOKEN.fullmatch(token):
            return _FORM
        access = self._enter(token)
        try:
            return await self._sessions.open(access, await _known(access))
        except (DeskError, EndedTokenError, FullError) as error:
            await access.close()
            return _told(error)

    async def _sign_out(self, request: web.Request) -> web.Response:
        await self._sessions.close(request.cookies.get(SESSION_COOKIE, ""))
        response = web.Response(status=303, headers={"Location": f"{frame.SIGN_IN}?why=out"})
        fences.drop_cookie(response, SESSION_COOKIE)
        return response

    @staticmethod
    def _form(request: web.Request, status: int, problem: str) -> web.Response:
        word = request.cookies.get(START_COOKIE) or drawn()
        response = fences.html(sign_in(word, problem), status)
        fences.set_cookie(response, START_COOKIE, word)
        return response


async def _known(access: Access) -> Approver:
    """Return who somebody is.

    Raises:
        EndedTokenError: The API server does not know them.
    """
    who = await access.desk.whoami()
    if "system:unauthenticated" in who.groups:
        raise EndedTokenError("the API server takes the token for nobody's")
    return who


def _told(error: Exception) -> _Problem:
    if isinstance(error, FullError):
        return _Problem(503, "too_many", f"{error}.")
    if isinstance(error, Away):
        return _Problem(502, "unanswered", f"{error}.")
    if isinstance(error, EndedTokenError):
        return _Problem(401, "bad_token", "The API server does not know this token.")
    return _Problem(403, "bad_token", f"{error}.")
