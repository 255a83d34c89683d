"""Connections to the engine and one exchange over each.

A connection that is not read to the proper end of an answer is aborted at once, whatever the
cause. That is what cancels the engine's work when a client leaves.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from casemate.gateway.settings import EngineAddress
from casemate.gateway.wire import READ_BYTES, Body, Head, read_head

# Engines close idle connections after some seconds; an older one may close under a request.
MAX_IDLE_SECONDS = 1.5
MAX_IDLE_CONNECTIONS = 32


class EngineUnreachableError(Exception):
    """No connection to the engine: it is not started, not there, or does not accept."""


class _Link:
    """One connection, as long as it is of use."""

    __slots__ = ("idle_since", "reader", "writer")

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.idle_since = 0.0

    def usable(self, now: float) -> bool:
        """Whether another request may go over it: fresh, open, and nothing unasked-for came."""
        fresh = now - self.idle_since < MAX_IDLE_SECONDS
        return fresh and not self.reader.at_eof() and not self.writer.is_closing()

    def abort(self) -> None:
        self.writer.transport.abort()


class Engine:
    """The engine behind this gateway."""

    def __init__(self, address: EngineAddress, connect_timeout: float) -> None:
        """Remember where the engine is; nothing is connected yet.

        Args:
            address: Unix socket or loopback port.
            connect_timeout: Seconds for one connection attempt.
        """
        self._address = address
        self._timeout = connect_timeout
        self._idle: deque[_Link] = deque()

    def exchange(self, method: str, path: str, headers: str, payload: bytes) -> "Exchange":
        """Prepare one request.

        Args:
            method: HTTP method.
            path: Request target; the caller has checked it.
            headers: Further header lines, each with its line end; the caller has checked them.
            payload: Body; empty for none.
        """
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}"
        if payload:
            head += f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
        return Exchange(self, head.encode("ascii") + b"\r\n" + payload)

    def close(self) -> None:
        """Drop all idle connections."""
        while self._idle:
            self._idle.pop().abort()

    async def acquire(self) -> _Link:
        """Return a connection: the one used last, if it is still good, else a new one.

        Raises:
            EngineUnreachableError: The connection could not be made in time.
        """
        now = asyncio.get_running_loop().time()
        while self._idle:
            link = self._idle.pop()
            if link.usable(now):
                return link
            link.abort()
        try:
            async with asyncio.timeout(self._timeout):
                return _Link(*await self._connect())
        except (OSError, TimeoutError) as error:
            raise EngineUnreachableError(f"cannot connect: {str(error) or 'timed out'}") from error

    def release(self, link: _Link) -> None:
        """Keep a connection whose answer was read to its end."""
        link.idle_since = asyncio.get_running_loop().time()
        self._idle.append(link)
        if len(self._idle) > MAX_IDLE_CONNECTIONS:
            self._idle.popleft().abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._address.socket is not None:
            return await asyncio.open_unix_connection(self._address.socket, limit=READ_BYTES)
        tcp = self._address.tcp
        if tcp is None:
            raise OSError("no address of the engine is set")
        return await asyncio.open_connection(tcp.host, tcp.port, limit=READ_BYTES)


class Exchange:
    """One request and its answer; an async context manager that owns the connection."""

    def __init__(self, engine: Engine, request: bytes) -> None:
        self._engine = engine
        self._request = request
        self._link: _Link | None = None
        self.head = Head(0, {}, 0, reusable=False)
        self.body: Body

    async def __aenter__(self) -> Self:
        """Send the request and read the head of the answer.

        Raises:
            EngineUnreachableError: No connection.
            EngineBrokenError: The connection ended or the answer is malformed.
        """
        self._link = await self._engine.acquire()
        try:
            self._link.writer.write(self._request)
            await self._link.writer.drain()
            self.head = await read_head(self._link.reader)
            self.body = Body(self._link.reader, self.head.length)
        except BaseException:
            self._link.abort()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Keep the connection if the answer was read to its end, else abort it."""
        if self._link is None:
            return
        if self.body.complete and self.head.reusable:
            self._engine.release(self._link)
        else:
            self._link.abort()
