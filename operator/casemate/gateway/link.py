"""One connection to the engine, as an asyncio protocol.

The protocol decodes in the callback that brings the bytes, so a burst of events costs one wake-up
and leaves as one write. Reading pauses while the reader of the answer does not keep up.
"""

import asyncio
from typing import cast

from typing_extensions import override

from casemate.gateway.wire import Decoder, EngineBrokenError, Head

# Undelivered bytes at which reading from the engine pauses.
HIGH_WATER_BYTES = 64 << 10


class Link(asyncio.Protocol):
    """One connection, for one exchange at a time."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._decoder = Decoder()
        self._busy = False
        self._parts: list[bytes] = []
        self._size = 0
        self._paused = False
        self._problem: EngineBrokenError | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def usable(self) -> bool:
        """Whether another request may go over it: open, and nothing came unasked."""
        open_ = self._transport is not None and not self._transport.is_closing()
        return open_ and not self._busy and self._problem is None

    @property
    def complete(self) -> bool:
        """Whether the whole answer has been read and the engine keeps the connection."""
        decoder = self._decoder
        whole = decoder.complete and not self._parts and self._problem is None
        return whole and decoder.head is not None and decoder.head.reusable

    def send(self, request: bytes) -> None:
        """Begin an exchange.

        Raises:
            EngineBrokenError: The connection has ended meanwhile.
        """
        if self._transport is None:
            raise EngineBrokenError("connection closed by the engine")
        self._decoder = Decoder()
        self._busy = True
        self._transport.write(request)

    async def head(self) -> Head:
        """Wait for the head of the answer.

        Raises:
            EngineBrokenError: The connection ended or what came is malformed.
        """
        while self._decoder.head is None:
            await self._more()
        return self._decoder.head

    async def read(self) -> bytes:
        """Return the next bytes of the body; none only after its proper end.

        Raises:
            EngineBrokenError: The connection ended before, or the framing is malformed.
        """
        while not self._parts and not self._decoder.complete:
            await self._more()
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def rest(self) -> None:
        """End an exchange whose answer is complete."""
        self._busy = False
        self.idle_since = self._loop.time()

    def abort(self) -> None:
        """Drop the connection at once; the engine's work for it ends."""
        if self._transport is not None:
            self._transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the interface without the base class.
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        if not self._busy:
            self._fail(EngineBrokenError("bytes that nobody asked for"))
            return
        try:
            part = self._decoder.feed(data)
        except EngineBrokenError as error:
            self._fail(error)
            return
        if part:
            self._parts.append(part)
            self._size += len(part)
            if self._size > HIGH_WATER_BYTES and not self._paused and self._transport is not None:
                self._paused = True
                self._transport.pause_reading()
        self._wake()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._decoder.complete or not self._busy:
            self._problem = self._problem or EngineBrokenError("connection closed by the engine")
        self._wake()

    def _fail(self, problem: EngineBrokenError) -> None:
        self._problem = problem
        self.abort()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _more(self) -> None:
        if self._problem is not None:
            raise self._problem
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
