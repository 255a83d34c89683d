"""The outside world: `python -m enclave.outside`, run in a namespace of its own.

It answers everybody, so that a probe from the enclave that gets no answer was blocked: HTTP on
TCP 80, echo on TCP and UDP 7.
"""

import asyncio
from typing import Any

from typing_extensions import override

HTTP_PORT = 80
ECHO_PORT = 7
_CHUNK = 65536
_BODY = b"outside\n"


class _UdpEcho(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self._transport: Any = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    @override
    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._transport.sendto(data, addr)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        writer.close()  # a probe that only knocks
        return
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(_BODY)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + _BODY)
    await writer.drain()
    writer.close()


async def serve(host: str, http_port: int = HTTP_PORT, echo_port: int = ECHO_PORT) -> None:
    """Listen on all three ports until cancelled."""
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(_UdpEcho, local_addr=(host, echo_port))
    http = await asyncio.start_server(_http, host, http_port)
    echo = await asyncio.start_server(_echo, host, echo_port)
    await asyncio.gather(http.serve_forever(), echo.serve_forever())


if __name__ == "__main__":
    asyncio.run(serve("0.0.0.0"))  # noqa: S104  the namespace is the limit
