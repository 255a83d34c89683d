"""The load side of the gateway's benchmark: bare HTTP/1.1 connections, so that they cost little."""

import asyncio
import re
import ssl
import time
from dataclasses import dataclass

from typing_extensions import override

STAMP = re.compile(rb'"created": ?(\d+)')
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
END = b"0\r\n\r\n"
TIMEOUT = 120.0


class RefusedError(Exception):
    """The target answered with an error, or ended a stream with one; says which."""


@dataclass(frozen=True)
class Target:
    """Something that answers like the engine: the engine itself, or a proxy before it."""

    name: str
    socket: str | None = None
    port: int = 0
    context: ssl.SSLContext | None = None


def request(body: bytes) -> bytes:
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Link(asyncio.Protocol):
    """One connection to a target.

    Attributes:
        arrivals: Of the last stream: when each event was written and when it came, in seconds.
    """

    def __init__(self) -> None:
        self.buffer = b""
        self.streamed = False
        self.arrivals: list[tuple[float, float]] = []
        self.answered: asyncio.Future[None] | None = None

    @classmethod
    async def to(cls, target: Target) -> "Link":
        loop = asyncio.get_running_loop()
        if target.socket:
            _, link = await loop.create_unix_connection(cls, target.socket)
        else:
            _, link = await loop.create_connection(
                cls, "127.0.0.1", target.port, ssl=target.context, server_hostname="localhost"
            )
        return link

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.finish(exc or RefusedError("closed before the answer's end"))

    @override
    def data_received(self, data: bytes) -> None:
        if self.streamed:
            self.event_received(data)
            return
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if found and length and len(body) >= int(length[1]):
            good = head.startswith(b"HTTP/1.1 200")
            self.finish(None if good else RefusedError(body[:200].decode(errors="replace")))

    def event_received(self, data: bytes) -> None:
        now = time.monotonic_ns() / 1e9
        # A stamp never straddles two reads here: each event is one small write.
        self.arrivals += [(int(match[1]) / 1e9, now) for match in STAMP.finditer(data)]
        if b'"error"' in data or b"content_filter" in data or data.startswith(b"HTTP/1.1 4"):
            self.finish(RefusedError(data[-300:].decode(errors="replace").splitlines()[-1]))
        elif data.endswith(END):
            self.finish()

    def finish(self, error: Exception | None = None) -> None:
        self.buffer = b""
        if self.answered and not self.answered.done():
            if error:
                self.answered.set_exception(error)
            else:
                self.answered.set_result(None)

    async def ask(self, data: bytes, *, streamed: bool = False) -> float:
        """Send a request; return the seconds until its answer was complete.

        Raises:
            RefusedError: It was not answered.
        """
        self.answered = asyncio.get_running_loop().create_future()
        self.streamed, self.arrivals = streamed, []
        self.began = time.monotonic()
        self.transport.write(data)
        await asyncio.wait_for(self.answered, TIMEOUT)
        return time.monotonic() - self.began

    def close(self) -> None:
        self.answered = None
        self.transport.abort()
