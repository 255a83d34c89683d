"""What stands before every page: by which name it is asked for, who asks, and what browsers may do.

There is no script: the policy below forbids any, also one that somebody smuggled into a text.
"""

import hmac
from urllib.parse import urlsplit

from aiohttp import web

from casemate.console.metrics import REFUSALS
from casemate.console.pages.signin import told

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SESSION_COOKIE, START_COOKIE = "__Host-casemate", "__Host-casemate-start"
"""Browsers take names with `__Host-` from this very host by TLS only, and give them to no other."""
_OWN_SITE = frozenset({"same-origin", "none"})


class RefusedError(Exception):
    """A request that is not answered with what it asks for.

    Attributes:
        status: Of the answer.
    """

    def __init__(self, status: int, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        REFUSALS.labels(reason).inc()


async def harden(_: web.Request, response: web.StreamResponse) -> None:
    """Give a response the headers that every one has."""
    response.headers.update(HEADERS)
    response.headers.pop("Server", None)


def check_host(request: web.Request, hosts: frozenset[str]) -> None:
    """Refuse a request by a name that is not ours: another site's name may lead here.

    Raises:
        RefusedError: It is.
    """
    given = request.headers.getall("Host", [])
    if len(given) != 1 or _name(given[0]) not in hosts:
        accepted = ", ".join(sorted(hosts))
        raise RefusedError(421, "host", f"This console answers by these names only: {accepted}.")


def check_form(request: web.Request, given: object, word: str) -> None:
    """Refuse a form that this site did not make for this person.

    Raises:
        RefusedError: It is none.
    """
    site = request.headers.get("Sec-Fetch-Site", "none")
    same = isinstance(given, str) and hmac.compare_digest(given.encode(), word.encode())
    if not word or not same or site not in _OWN_SITE:
        raise RefusedError(403, "foreign", "This form was not made for you. Open the page again.")


def malformed(sentence: str) -> RefusedError:
    """Return the refusal of a form that says something else than it may."""
    return RefusedError(400, "malformed", sentence)


def refusal(error: RefusedError) -> web.Response:
    """Return the page that says why."""
    return html(told("Refused", str(error)), error.status)


def html(text: str, status: int = 200) -> web.Response:
    """Return a page as a response."""
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")


def set_cookie(response: web.Response, name: str, value: str) -> None:
    """Give the browser a word to keep until it is closed."""
    response.set_cookie(name, value, path="/", secure=True, httponly=True, samesite="Strict")


def drop_cookie(response: web.Response, name: str) -> None:
    """Have the browser forget a word."""
    response.del_cookie(name, path="/", secure=True, httponly=True, samesite="Strict")


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
