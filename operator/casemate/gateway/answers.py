"""Responses to clients, written in one piece each.

They replace aiohttp's own response classes for two reasons. Nothing but what is listed here can
become a response header, whatever a library adds by default. And head and body, or head and first
event, leave in one write, which is most of what a response costs.
"""

import asyncio
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from typing_extensions import override

from casemate.gateway.errors import Refusal, slow_client

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
EVENTS = "text/event-stream; charset=utf-8"
SLICE_BYTES = 64 << 10


class CutError(ConnectionError):
    """An answer that had begun could not be completed; ``refusal`` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Answer(web.StreamResponse):
    """A whole response."""

    def __init__(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, kind: str = JSON
    ) -> None:
        """Prepare a response.

        Args:
            status: HTTP status.
            body: All of the body.
            headers: Further headers; the values are the gateway's own words, never a client's.
            kind: Content type.
        """
        super().__init__(status=status)
        self._content = body
        self._extra = headers or {}
        self._kind = kind
        self._lasting = True
        self._begun = False

    @property
    @override
    def keep_alive(self) -> bool:
        return self._lasting

    @override
    def force_close(self) -> None:
        self._lasting = False

    @override
    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        if not self._begun:
            body = b"" if request.method == "HEAD" else self._content
            self._write(request, self._head(request, len(self._content)) + body)
        return None

    async def deliver(self, request: web.BaseRequest, idle: float, end: float) -> None:
        """Send the response, a slice at a time, at the pace at which the client takes it.

        One large write would not do: TLS takes it whole and pushes back only at the next.

        Raises:
            CutError: It took nothing for ``idle`` seconds, or not all of it by loop time ``end``.
            ConnectionResetError: The client has left.
        """
        if len(self._content) <= SLICE_BYTES:
            await self.prepare(request)
            return
        self._write(request, self._head(request, len(self._content)))
        try:
            async with asyncio.timeout_at(end) as scope:
                for at in range(0, len(self._content), SLICE_BYTES):
                    scope.reschedule(min(asyncio.get_running_loop().time() + idle, end))
                    self._write(request, self._content[at : at + SLICE_BYTES])
                    await request.writer.drain()
        except TimeoutError:
            raise CutError(slow_client()) from None

    @override
    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: everything was written at once."""

    def _head(self, request: web.BaseRequest, length: int | None) -> bytes:
        self._begun = True
        self._lasting = self._lasting and request.keep_alive
        head = _fixed_head(self.status, self._kind) + _date(int(time.time()))
        for name, value in self._extra.items():
            head += f"{name}: {value}\r\n"
        if not self._lasting:
            head += "Connection: close\r\n"
        framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        return f"{head}{framing}\r\n\r\n".encode("latin-1")

    def _write(self, request: web.BaseRequest, data: bytes) -> None:
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has left")
        # What asks whether an answer has begun, to know if an error can still be told, asks this.
        request.writer.output_size += len(data)
        transport.write(data)


class EventStream(Answer):
    """A response of unknown length; begins with its first event.

    Attributes:
        ended: Whether its end was sent.
    """

    def __init__(self, request: web.BaseRequest, headers: dict[str, str] | None = None) -> None:
        super().__init__(200, b"", headers, kind=EVENTS)
        self._request = request
        self.ended = False

    @property
    def begun(self) -> bool:
        """Whether anything was sent."""
        return self._begun

    async def send(self, data: bytes, *, last: bool = False) -> None:
        """Send one piece, and wait while the client does not take what was sent.

        Raises:
            ConnectionResetError: The client has left.
        """
        frame = b"%x\r\n%b\r\n" % (len(data), data)
        if last:
            frame += b"0\r\n\r\n"
            self.ended = True
        if not self._begun:
            frame = self._head(self._request, None) + frame
        self._write(self._request, frame)
        await self._request.writer.drain()


def refusal_answer(refusal: Refusal) -> Answer:
    """Return the response that tells a client about a refusal."""
    response = Answer(refusal.status, refusal.body(), refusal.headers)
    if refusal.close:
        response.force_close()
    return response


@lru_cache(maxsize=64)
def _fixed_head(status: int, kind: str) -> str:
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"Content-Type: {kind}\r\n"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Server: casemate\r\n"
    )


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}\r\n"
