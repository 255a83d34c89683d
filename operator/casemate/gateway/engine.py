"""Connections to the engine and one exchange over each.

A connection that is not read to the proper end of an answer is aborted at once, whatever the
cause. That is what cancels the engine's work when a client leaves.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from casemate.gateway.link import Link
from casemate.gateway.settings import EngineAddress
from casemate.gateway.wire import Head

# Engines close idle connections after some seconds; an older one may close under a request.
MAX_IDLE_SECONDS = 1.5
MAX_IDLE_CONNECTIONS = 32


class EngineUnreachableError(Exception):
    """No connection to the engine: it is not started, not there, or does not accept."""


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
        self._idle: deque[Link] = deque()

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

    async def acquire(self) -> Link:
        """Return a connection: the one used last, if it is still good, else a new one.

        Raises:
            EngineUnreachableError: The connection could not be made in time.
        """
        now = asyncio.get_running_loop().time()
        while self._idle:
            link = self._idle.pop()
            if link.usable and now - link.idle_since < MAX_IDLE_SECONDS:
                return link
            link.abort()
        try:
            async with asyncio.timeout(self._timeout):
                return await self._connect()
        except (OSError, TimeoutError) as error:
            raise EngineUnreachableError(f"cannot connect: {str(error) or 'timed out'}") from error

    def release(self, link: Link) -> None:
        """Keep a connection whose answer was read to its end."""
        link.rest()
        self._idle.append(link)
        if len(self._idle) > MAX_IDLE_CONNECTIONS:
            self._idle.popleft().abort()

    async def _connect(self) -> Link:
        loop = asyncio.get_running_loop()
        if self._address.socket is not None:
            _, link = await loop.create_unix_connection(Link, self._address.socket)
            return link
        tcp = self._address.tcp
        if tcp is None:
            raise OSError("no address of the engine is set")
        _, link = await loop.create_connection(Link, tcp.host, tcp.port)
        return link


class Exchange:
    """One request and its answer; an async context manager that owns the connection.

    Attributes:
        head: The head of the answer, within the context.
    """

    def __init__(self, engine: Engine, request: bytes) -> None:
        self._engine = engine
        self._request = request
        self._link: Link | None = None
        self.head = Head(0, {}, 0, reusable=False)

    async def __aenter__(self) -> Self:
        """Send the request and read the head of the answer.

        Raises:
            EngineUnreachableError: No connection.
            EngineBrokenError: The connection ended or the answer is malformed.
        """
        link = await self._engine.acquire()
        try:
            link.send(self._request)
            self.head = await link.head()
        except BaseException:
            link.abort()
            raise
        self._link = link
        return self

    async def read(self) -> bytes:
        """Return the next bytes of the body; none only after its proper end."""
        if self._link is None:
            raise RuntimeError("the exchange has not begun")
        return await self._link.read()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Keep the connection if the answer was read to its end, else abort it."""
        if self._link is None:
            return
        if self._link.complete:
            self._engine.release(self._link)
        else:
            self._link.abort()
