"""The canary: a port that no policy opens to model pods, on TCP and UDP."""

import asyncio
import time

from casemate.isolation.targets import Protocol

_MOST_BYTES = 64


class Canary:
    """Listens, and remembers when somebody last got through.

    Who gets through is allowed, or has just proven that nothing is enforced: either way it lives.
    """

    def __init__(self) -> None:
        self._seen: dict[Protocol, float] = {}
        self._server: asyncio.Server | None = None
        self._transport: asyncio.DatagramTransport | None = None

    def seen(self) -> dict[str, float | None]:
        """Seconds since somebody got through, by protocol; None: nobody did."""
        now = time.monotonic()
        return {one: now - self._seen[one] if one in self._seen else None for one in Protocol}

    async def open(self, host: str, port: int) -> int:
        """Listen on both protocols; returns the port.

        Raises:
            OSError: The port cannot be bound.
        """
        self._server = await asyncio.start_server(self._connected, host, port)
        number: int = self._server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Echo(self), local_addr=(host, number)
        )
        return number

    def close(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()
        if self._transport:
            self._transport.close()

    def note(self, protocol: Protocol) -> None:
        """Remember that somebody got through just now."""
        self._seen[protocol] = time.monotonic()

    async def _connected(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.note(Protocol.TCP)
        writer.close()


class _Echo(asyncio.DatagramProtocol):
    """Sends a small datagram back as it came; larger ones are no probe of ours."""

    def __init__(self, canary: Canary) -> None:
        self._canary = canary
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        if len(data) <= _MOST_BYTES:
            self._canary.note(Protocol.UDP)
            self._transport.sendto(data, sender)
