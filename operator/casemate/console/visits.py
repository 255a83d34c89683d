"""What stands between a request and its page: name, session, form, and whatever goes wrong."""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from casemate.console import fences
from casemate.console.access import EndedTokenError
from casemate.console.fences import SESSION_COOKIE, RefusedError
from casemate.console.pages import frame
from casemate.console.pages.frame import CSRF, Signed
from casemate.console.pages.queue import ITSELF
from casemate.console.pages.signin import told
from casemate.console.sessions import Session, Sessions
from casemate.deciding.refusals import Away, DeskError, NotFound

log = logging.getLogger(__name__)

_OPEN = frozenset({frame.SIGN_IN, frame.STYLE})
"""What is answered to people who are not signed in."""
_SESSION = web.RequestKey("session", Session)
_TITLES = {404: "There is no such page", 405: "There is no such page", 413: "Too much"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def session_of(request: web.Request) -> Session:
    """Return who asks."""
    return request[_SESSION]


def signed(session: Session) -> Signed:
    """Return what pages show of a session."""
    return Signed(session.who.username, session.csrf)


def sign_in_again(why: str) -> web.Response:
    """Send somebody to the page where people sign in.

    Args:
        why: Parameter of that page.
    """
    return web.Response(status=303, headers={"Location": f"{frame.SIGN_IN}?why={why}"})


async def fields(request: web.Request) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        RefusedError: It is no form of ours.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise fences.malformed("Only this console's own forms are accepted.")
    given = await request.post()
    return {name: value for name, value in given.items() if isinstance(value, str)}


class Visits:
    """The middleware of all pages.

    Args:
        sessions: Who is signed in.
        hosts: The names that the console is asked for by.
    """

    def __init__(self, sessions: Sessions, hosts: frozenset[str]) -> None:
        self._sessions, self._hosts = sessions, hosts

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request, or say why not."""
        try:
            fences.check_host(request, self._hosts)
            if request.path not in _OPEN and not await self._known(request):
                return sign_in_again("ended")
            return await handler(request)
        except RefusedError as error:
            return fences.refusal(error)
        except EndedTokenError:
            await self._sessions.close(request.cookies.get(SESSION_COOKIE, ""))
            return sign_in_again("token")
        except DeskError as error:
            return self._failed(request, error)
        except web.HTTPException as error:
            return self._unknown(request, error)

    async def _known(self, request: web.Request) -> bool:
        """Whether somebody is signed in; a form of theirs is one that was made for them."""
        key = request.cookies.get(SESSION_COOKIE, "")
        session = self._sessions.find(key, doing=ITSELF not in request.query)
        if session is None:
            return False
        request[_SESSION] = session
        if request.method == "POST":
            fences.check_form(request, (await fields(request)).get(CSRF), session.csrf)
        return True

    @staticmethod
    def _failed(request: web.Request, error: DeskError) -> web.Response:
        status = 404 if isinstance(error, NotFound) else 502 if isinstance(error, Away) else 403
        log.info("%s %s: %s", request.method, request.path, type(error).__name__)
        return fences.html(told("That did not work", str(error), _shown(request)), status)

    @staticmethod
    def _unknown(request: web.Request, error: web.HTTPException) -> web.Response:
        title = _TITLES.get(error.status, "That did not work")
        page = told(title, f"{error.status}: {error.reason}", _shown(request))
        return fences.html(page, error.status)


def _shown(request: web.Request) -> Signed | None:
    return signed(request[_SESSION]) if _SESSION in request else None
