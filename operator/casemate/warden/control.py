"""Where a program in the warden's own container asks it to do something: a socket in its pod.

No network leads to it. Who gets into the container is for the API server to say: admission lets
`exec` begin the programs of the warden's alone, and each of them says in whose name.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout, UnixConnector, web

from casemate.warden.callers import RefusedError
from casemate.warden.log.keys import Role
from casemate.warden.requests import body_of, refusing
from casemate.warden.rotating import RotateError, Rotating, asked

log = logging.getLogger(__name__)
KEYS_PATH, ROTATE_PATH, CHANGE_PATH = "/v1/keys", "/v1/keys/rotate", "/v1/keys/change"
_PEER = struct.Struct("3i")
_SHUTDOWN_SECONDS = 2.0


class UnansweredError(Exception):
    """The warden refuses, or gives no answer; says why."""


def app(rotating: Rotating) -> web.Application:
    """Return what is answered on the socket."""

    async def keys(_request: web.Request) -> web.Response:
        return web.json_response(rotating.standing())

    async def rotate(request: web.Request) -> web.Response:
        try:
            wanted = asked(await body_of(request))
            done = await rotating.rotate(wanted)
        except RotateError as error:
            raise RefusedError(409, "key_not_changed", str(error)) from error
        log.warning(
            "%s changed the %s key, from %s to %s",
            wanted.by.username, done["role"], done["old"], done["new"],
        )  # fmt: skip
        return web.json_response(done)

    async def change(request: web.Request) -> web.Response:
        try:
            body = await body_of(request)
            return web.json_response(await rotating.change(Role(body["role"])))
        except (RotateError, ValueError, TypeError, KeyError) as error:
            raise RefusedError(409, "key_not_changed", str(error)) from error

    made = web.Application(middlewares=[refusing, _own])
    made.add_routes([
        web.post(KEYS_PATH, keys), web.post(ROTATE_PATH, rotate), web.post(CHANGE_PATH, change),
    ])  # fmt: skip
    return made


async def serve(application: web.Application, path: Path) -> web.AppRunner:
    """Start answering; what an earlier process left in that place is removed.

    Raises:
        OSError: The socket cannot be made.
    """
    await asyncio.to_thread(path.unlink, missing_ok=True)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    await web.UnixSite(runner, path).start()
    await asyncio.to_thread(path.chmod, 0o600)
    return runner


async def ask(path: Path, what: str, body: Any, seconds: float) -> dict[str, Any]:
    """Ask the warden that runs in this container.

    Raises:
        UnansweredError: It refuses, or does not answer.
    """
    try:
        async with (
            asyncio.timeout(seconds),
            ClientSession(
                connector=UnixConnector(str(path)), timeout=ClientTimeout(total=None)
            ) as session,
            session.post(f"http://localhost{what}", json=body) as response,
        ):
            said: dict[str, Any] = orjson.loads(await response.read())
    except (ClientError, OSError, ValueError) as error:
        raise UnansweredError(f"no answer from the warden at {path}: {error!r}") from error
    if not response.ok:
        raise UnansweredError(str(said.get("message", response.status)))
    return said


@web.middleware
async def _own(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    """Refuse another user than the one that the warden runs as, whatever is asked.

    Raises:
        RefusedError: Another one asks.
    """
    link: socket.socket = request.get_extra_info("socket")
    raw = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, user, _ = _PEER.unpack(raw)
    if user != os.getuid():
        raise RefusedError(403, "not_warden", f"user {user} asks; {os.getuid()} is accepted")
    answer: web.StreamResponse = await handler(request)
    return answer
