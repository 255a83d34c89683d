"""The probes themselves: one connection or one datagram each, with a deadline."""

import asyncio
import secrets

from casemate.isolation.proof import Reading
from casemate.isolation.targets import Protocol, Target

TIMEOUT_SECONDS = 1.0
"""How long an answer may take; inside a cluster one takes milliseconds."""
_NONCE_BYTES = 16


async def probe(target: Target, timeout: float = TIMEOUT_SECONDS) -> Reading:  # noqa: ASYNC109
    """Try one target."""
    ask = _connect if target.protocol is Protocol.TCP else _echo
    try:
        async with asyncio.timeout(timeout):
            return Reading(target, answered=True, how=await ask(target))
    except TimeoutError:
        return Reading(target, answered=False, how="timeout")
    except ConnectionRefusedError:
        return Reading(target, answered=False, how="refused")
    except OSError as error:
        return Reading(target, answered=False, how=error.strerror or str(error))


async def _connect(target: Target) -> str:
    _, writer = await asyncio.open_connection(target.host, target.port)
    writer.close()
    return "connected"


class _Echo(asyncio.DatagramProtocol):
    """Waits for the very bytes that were sent."""

    def __init__(self, nonce: bytes) -> None:
        self.nonce = nonce
        self.answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _: object) -> None:
        if data == self.nonce and not self.answered.done():
            self.answered.set_result("answered")

    def error_received(self, error: OSError) -> None:  # type: ignore[override]
        if not self.answered.done():
            self.answered.set_exception(error)


async def _echo(target: Target) -> str:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: _Echo(nonce), remote_addr=(target.host, target.port)
    )
    try:
        transport.sendto(nonce)
        return await protocol.answered
    finally:
        transport.close()
