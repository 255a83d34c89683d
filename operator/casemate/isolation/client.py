"""Asks the warden, over TLS from our CA: the one thing that a model pod may reach."""

import asyncio
import json
import ssl
from dataclasses import dataclass
from pathlib import Path

from casemate.isolation.proof import Answer
from casemate.isolation.targets import Protocol

PATH = "/v1/canary"
TIMEOUT_SECONDS = 2.0
_MOST_BYTES = 4096


@dataclass(frozen=True)
class Warden:
    """Where the warden is.

    Attributes:
        host: IP address of its Service.
        port: Port of its Service.
        name: DNS name that its certificate must have.
        ca: Bundle of the CAs that may have signed it.
    """

    host: str
    port: int
    name: str
    ca: Path

    async def ask(self) -> Answer:
        """Ask whether the canary lives; whatever goes wrong is an answer that proves nothing."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return _answer(await self._get())
        except TimeoutError:
            return Answer(problem="timeout")
        except OSError as error:
            return Answer(problem=error.strerror or str(error))
        except (ValueError, TypeError, KeyError, asyncio.IncompleteReadError):
            return Answer(problem="it answered something else")

    async def _get(self) -> bytes:
        context = ssl.create_default_context(cafile=self.ca)
        reader, writer = await asyncio.open_connection(
            self.host, self.port, ssl=context, server_hostname=self.name
        )
        try:
            writer.write(
                f"GET {PATH} HTTP/1.1\r\nHost: {self.name}\r\nConnection: close\r\n\r\n".encode()
            )
            return await reader.read(_MOST_BYTES)
        finally:
            writer.close()


def _answer(raw: bytes) -> Answer:
    head, found, body = raw.partition(b"\r\n\r\n")
    if not found or not head.startswith(b"HTTP/1.1 200 "):
        raise ValueError(head)
    seen = json.loads(body)["seen"]
    return Answer(seen=tuple((one, float(seen[one])) for one in Protocol if seen[one] is not None))
