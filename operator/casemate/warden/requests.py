"""What every answer of the warden begins with: the token of who calls, a JSON body, refusals."""

import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from casemate.core import names
from casemate.warden.callers import RefusedError
from casemate.warden.metrics import REFUSALS

log = logging.getLogger(__name__)
_BEARER = "Bearer "


@web.middleware
async def refusing(
    request: web.Request, handler: Callable[[web.Request], Any]
) -> web.StreamResponse:
    """Tell, count and log who is refused."""
    try:
        answer: web.StreamResponse = await handler(request)
    except RefusedError as error:
        REFUSALS.labels(error.reason).inc()
        log.warning("refused %s %s: %s", request.method, request.remote, error)
        return refusal(error)
    return answer


def refusal(error: RefusedError) -> web.Response:
    """Return the answer that tells of a refusal."""
    said = {"reason": error.reason, "message": str(error)}
    if error.replica:
        said["replica"] = error.replica
    return web.json_response(said, status=error.status)


def bearer(request: web.Request) -> str:
    """Return the token of who calls.

    Raises:
        RefusedError: There is none.
    """
    given = request.headers.get("Authorization", "")
    if not given.removeprefix(_BEARER) or not given.startswith(_BEARER):
        raise RefusedError(401, "no_token", f"a Bearer token of audience {names.WARDEN} is needed")
    return given.removeprefix(_BEARER)


async def body_of(request: web.Request) -> Any:
    """Return the body, which may be any JSON.

    Raises:
        RefusedError: It is none.
    """
    try:
        return await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        # Neither says what the body was: it may hold somebody's token.
        raise bad_report(f"a JSON object is accepted: {type(error).__name__}") from None


def bad_report(message: str) -> RefusedError:
    """Return the refusal of a body that says something else than it must."""
    return RefusedError(HTTPStatus.BAD_REQUEST, "bad_report", message)
