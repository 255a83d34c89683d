"""The other replicas of the warden: where they are, and how they are asked."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web

from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.kinds import SERVICE
from casemate.core import names
from casemate.isolation.client import UnheardError, Warden
from casemate.isolation.targets import bracketed
from casemate.warden.requests import bearer

log = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
"""How often their Services are read."""
_MOST_BYTES = 256 << 10


class Callers(Protocol):
    """Knows who calls."""

    async def peer(self, token: str, address: str) -> str:
        """Return the name of the replica that calls, or raise RefusedError."""


class Heard(NamedTuple):
    """What a replica answered."""

    status: int
    text: str


Find = Callable[[], Awaitable[Sequence[Warden]]]


class Peers:
    """Asks the other replicas; to be made within a running loop, and closed."""

    def __init__(self, find: Find, token: Path) -> None:
        """Know nobody yet.

        Args:
            find: Returns the others, or raises Error where nobody can tell.
            token: File with this replica's own token for the warden.
        """
        self._find, self._token = find, token
        self._wardens: dict[str, Warden] = {}
        self._session = ClientSession(
            # Few questions: a new connection for each is never one that has died.
            connector=TCPConnector(force_close=True),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
        )

    def names(self) -> list[str]:
        """Return the names of the others."""
        return list(self._wardens)

    async def look(self) -> None:
        """Look who is there; where nobody can tell, those stay that were known."""
        try:
            self._wardens = {one.replica: one for one in await self._find()}
        except Error as error:
            log.warning("the other replicas cannot be looked up: %s", error)

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def close(self) -> None:
        """Drop all connections."""
        await self._session.close()

    async def ask(self, replica: str, path: str, body: bytes, seconds: float) -> Heard:
        """Send a body to another replica, as this one.

        Raises:
            UnheardError: It gave no answer.
        """
        warden = self._wardens.get(replica)
        if warden is None:
            raise UnheardError(f"{replica} is not known")
        try:
            async with asyncio.timeout(seconds):
                return await self._sent(warden, path, body)
        except TimeoutError:
            raise UnheardError("timeout") from None
        except (ClientError, OSError, ValueError) as error:
            raise UnheardError(f"{type(error).__name__}: {error}") from None

    async def _sent(self, warden: Warden, path: str, body: bytes) -> Heard:
        key = self._token.read_text(encoding="ascii").strip()
        async with self._session.post(
            f"https://{bracketed(warden.host)}:{warden.port}{path}",
            data=body,
            headers={"Authorization": f"Bearer {key}"},
            allow_redirects=False,
            ssl=ssl.create_default_context(cadata=warden.trust()),
            server_hostname=warden.name,
        ) as response:
            parts, size = [], 0
            while part := await response.content.readany():
                parts.append(part)
                size += len(part)
                if size > _MOST_BYTES:
                    raise ValueError("too long an answer")
            return Heard(response.status, b"".join(parts).decode())


def services(client: Client, namespace: str, name: str, trust: Callable[[], str]) -> Find:
    """Return how to find the others by their Services.

    Args:
        client: To the API server.
        namespace: Where the warden runs.
        name: Of this replica.
        trust: Returns the CAs of their certificates, as PEM.
    """

    async def find() -> list[Warden]:
        found = []
        for other in map(names.warden, range(names.MOST_WARDENS)):
            service = None if other == name else await client.get(SERVICE, namespace, other)
            if service is not None:
                address, host = service["spec"]["clusterIP"], names.service_hosts(other, namespace)
                found.append(Warden(address, names.WARDEN_PORT, host[0], trust))
        return found

    return find


async def caller(callers: Callers, request: web.Request) -> str:
    """Return which replica sent a request.

    Raises:
        RefusedError: None did.
    """
    return await callers.peer(bearer(request), request.remote or "")
