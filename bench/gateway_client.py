"""The load side of the gateway's benchmark: bare HTTP/1.1 connections, so that they cost little."""

import asyncio
import re
import ssl
import time
from dataclasses import dataclass

from typing_extensions import override

STAMP = re.compile(rb"@(\d+)@")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
END = b"0\r\n\r\n"
TIMEOUT = 60.0


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
    """One connection to a target."""

    def __init__(self) -> None:
        self.buffer = b""
        self.streamed = False
        self.gaps: list[float] = []
        self.first = 0.0
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
        if self.answered and not self.answered.done():
            self.answered.set_exception(exc or ConnectionError("closed before the answer's end"))

    @override
    def data_received(self, data: bytes) -> None:
        if self.streamed:
            self.event_received(data)
            return
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            raise RuntimeError(f"unexpected answer: {self.buffer[:300]!r}")
        if len(body) >= int(length[1]):
            self.finish()

    def event_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        # A stamp never straddles two reads here: each event is one small write.
        for match in STAMP.finditer(data):
            self.first = self.first or now / 1e9
            self.gaps.append((now - int(match[1])) / 1e9)
        if data.endswith(END):
            self.finish()

    def finish(self) -> None:
        self.buffer = b""
        if self.answered and not self.answered.done():
            self.answered.set_result(None)

    async def ask(self, data: bytes, *, streamed: bool = False) -> float:
        """Send a request; return the seconds until its answer was complete."""
        self.answered = asyncio.get_running_loop().create_future()
        self.streamed, self.first = streamed, 0.0
        began = time.monotonic()
        self.transport.write(data)
        await asyncio.wait_for(self.answered, TIMEOUT)
        self.began = began
        return time.monotonic() - began

    def close(self) -> None:
        self.transport.abort()
