"""Serves our own checks by the detector API, so that others can ask them as one of theirs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import orjson
from aiohttp import web

from casemate.detector import contract
from casemate.detector.contract import ContractError, Detection

ALL = "casemate"
"""The detector that checks every red line; each line's id is a detector too."""
MOST_BYTES = 8 << 20
_UNPROCESSABLE, _NOT_FOUND, _BROKEN = 422, 404, 500

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Finding(Protocol):
    """What a judge says of a text: see `casemate.guard.types.Finding`."""

    @property
    def line(self) -> str:
        """The red line's id."""

    @property
    def sub(self) -> str:
        """The sub-class."""

    @property
    def tier(self) -> str:
        """Which tier found it."""

    @property
    def score(self) -> float:
        """How sure, from 0 to 1."""


Find = Callable[[str], Sequence[Finding]]
FindInChat = Callable[[Mapping[str, Any]], Sequence[Finding]]


def application(lines: frozenset[str], find: Find, find_in_chat: FindInChat) -> web.Application:
    """Return the server.

    Args:
        lines: Ids of the red lines that it can be asked for.
        find: Judges one text; may take a while, so it runs beside the loop.
        find_in_chat: Judges messages and tools.
    """
    server = _Server(lines, find, find_in_chat)
    app = web.Application(client_max_size=MOST_BYTES, middlewares=[_explained])
    app.router.add_get(contract.HEALTH, server.health)
    app.router.add_post(contract.CONTENTS, server.contents)
    app.router.add_post(contract.CHAT, server.chat)
    return app


class _Server:
    def __init__(self, lines: frozenset[str], find: Find, find_in_chat: FindInChat) -> None:
        self._lines = lines
        self._find = find
        self._find_in_chat = find_in_chat

    async def health(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "ok"})

    async def contents(self, request: web.Request) -> web.StreamResponse:
        wanted = self._wanted(request)
        texts = contract.read_contents(await request.read())
        return _json([await self._found_in(text, wanted) for text in texts])

    async def chat(self, request: web.Request) -> web.StreamResponse:
        wanted = self._wanted(request)
        body = contract.read_chat(await request.read())
        found = await asyncio.to_thread(self._find_in_chat, body)
        return _json([_detection(one, 0).of_chat() for one in found if one.line in wanted])

    async def _found_in(self, text: str, wanted: frozenset[str]) -> list[dict[str, Any]]:
        found = await asyncio.to_thread(self._find, text)
        return [_detection(one, len(text)).of_contents(text) for one in found if one.line in wanted]

    def _wanted(self, request: web.Request) -> frozenset[str]:
        asked = request.headers.get(contract.DETECTOR_ID)
        if asked == ALL:
            return self._lines
        if asked in self._lines:
            return frozenset({asked})
        accepted = ", ".join([ALL, *sorted(self._lines)])
        raise web.HTTPNotFound(text=f"header {contract.DETECTOR_ID}: accepted are {accepted}")


def _detection(one: Finding, length: int) -> Detection:
    return Detection(one.line, one.sub or one.line, one.score, 0, length, {"tier": one.tier})


@web.middleware
async def _explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every refusal the contract's form."""
    try:
        return await handler(request)
    except ContractError as error:
        return _problem(_UNPROCESSABLE, str(error))
    except web.HTTPException as error:
        return _problem(error.status, error.text or error.reason)
    except Exception as error:  # noqa: BLE001  whatever it is, the asker must not read it as clean
        return _problem(_BROKEN, f"the check failed: {type(error).__name__}")


def _problem(status: int, message: str) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps({"code": status, "message": message}),
        content_type="application/json",
    )


def _json(value: Any) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")
