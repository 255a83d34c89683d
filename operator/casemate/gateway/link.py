"""The gateway's questions to the warden: one client, whose connections are kept for the next one.

The CAs and this pod's token are read from their files each time: the kubelet replaces both.
"""

import asyncio
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from aiohttp import (
    ClientError,
    ClientOSError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
)

from casemate.evidence import BUSY, ELSEWHERE, ELSEWHERE_STATUS
from casemate.isolation.client import UnheardError, Warden
from casemate.isolation.targets import bracketed
from casemate.isolation.wardens import Wardens

IDLE_SECONDS = 15.0
"""How long a connection is kept: far less than the warden does, so it is rarely closed in use."""
MOST_CONNECTIONS = 32
MOST_BYTES = 256 << 10
_UNWANTED = ("User-Agent", "Accept-Encoding")


class Said(NamedTuple):
    """An answer of the warden.

    Attributes:
        status: HTTP status.
        body: The JSON object of its body.
        replica: Which replica gave it.
    """

    status: int
    body: Mapping[str, Any]
    replica: str = ""

    @property
    def busy(self) -> bool:
        """Whether another replica may be able to do what this one cannot now."""
        return self.status == HTTPStatus.SERVICE_UNAVAILABLE and self.body.get("reason") in BUSY

    @property
    def elsewhere(self) -> str:
        """The replica that must be asked instead; empty: none."""
        away = self.status == ELSEWHERE_STATUS and self.body.get("reason") == ELSEWHERE
        return str(self.body.get("replica")) if away else ""


class _Question(NamedTuple):
    method: str
    path: str
    data: bytes | None


class Link:
    """Asks the warden; to be made within a running loop, and closed."""

    def __init__(self, wardens: Wardens, token: str) -> None:
        """Prepare; nothing is connected before the first question.

        Args:
            wardens: Where its replicas are, and whom to trust about them.
            token: File with this pod's token for the warden.
        """
        self._wardens = wardens
        self._token = Path(token)
        self._pem, self._trust = "", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._session = ClientSession(
            connector=TCPConnector(limit=MOST_CONNECTIONS, keepalive_timeout=IDLE_SECONDS),
            cookie_jar=DummyCookieJar(),
            skip_auto_headers=_UNWANTED,
            # How long an answer may take is up to the caller.
            timeout=ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Drop all connections."""
        await self._session.close()

    async def post(
        self, path: str, body: Mapping[str, Any], seconds: float, replica: str = ""
    ) -> Said:
        """Ask one replica after another until one answers that is able to.

        Each may be asked twice, where a kept connection turned out to be dead, and one that was not
        heard may have done what it was asked: so asking must be harmless.

        Args:
            path: What is asked.
            body: A JSON object.
            seconds: How long all of it may take; each replica gets half of what is left, the last
                one all.
            replica: The one that is to be asked first; empty: the one that answered last.

        Raises:
            UnheardError: There is no answer that is one.
        """
        ends, data = asyncio.get_running_loop().time() + seconds, orjson.dumps(body)
        home = self._wardens.named(replica)
        waiting = [*([home] if home else []), *(one for one in self._wardens if one is not home)]
        last, why, sent = None, "", False
        while waiting:
            warden = waiting.pop(0)
            try:
                said = await self._within(ends, len(waiting), warden, _Question("POST", path, data))
            except UnheardError as error:
                why = str(error)
                continue
            last = said
            away = None if sent else self._wardens.named(said.elsewhere)
            if away is not None:
                waiting, sent = [away], True
            elif not said.busy:
                if warden is not home and not sent:
                    self._wardens.prefer(warden)
                return said
        if last is None:
            raise UnheardError(why)
        return last

    async def get(self, path: str, seconds: float) -> Said:
        """Ask one replica without a body: such a question stays open until there is news.

        Where that one does not answer, the next question goes to the next one.

        Raises:
            UnheardError: There is no answer that is one.
        """
        warden = next(iter(self._wardens))
        ends = asyncio.get_running_loop().time() + seconds
        try:
            said = await self._within(ends, 0, warden, _Question("GET", path, None))
        except UnheardError:
            self._wardens.pass_over(warden)
            raise
        if said.busy:
            self._wardens.pass_over(warden)
        return said

    async def _within(self, ends: float, further: int, warden: Warden, question: _Question) -> Said:
        """Ask one replica, and leave time for further ones."""
        left = ends - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(left / 2 if further else left):
                try:
                    return await self._once(warden, question)
                except (ServerDisconnectedError, ClientOSError):
                    return await self._once(warden, question)
        except TimeoutError:
            raise UnheardError("timeout") from None
        except (ClientError, OSError, ValueError) as error:
            # By its kind alone: the text may quote what was asked or answered.
            raise UnheardError(type(error).__name__) from None

    async def _once(self, warden: Warden, question: _Question) -> Said:
        headers = {
            "Authorization": f"Bearer {self._token.read_text(encoding='ascii').strip()}",
            "Content-Type": "application/json",
        }
        async with self._session.request(
            question.method,
            f"https://{bracketed(warden.host)}:{warden.port}{question.path}",
            # A file, since that is written piece by piece: others are served meanwhile.
            data=BytesIO(question.data) if question.data else None,
            headers=headers,
            allow_redirects=False,
            ssl=self._context(warden),
            server_hostname=warden.name,
        ) as response:
            said = orjson.loads(await _read(response))
            if not isinstance(said, dict):
                raise ValueError("no object")  # noqa: TRY004  what was answered is wrong, no type
            return Said(response.status, said, warden.replica)

    def _context(self, warden: Warden) -> ssl.SSLContext:
        """Return whom to trust; the same one while the CAs are the same, to keep connections."""
        pem = warden.trust()
        if pem != self._pem:
            self._trust = ssl.create_default_context(cadata=pem)
            self._pem = pem
        return self._trust


async def _read(response: ClientResponse) -> bytes:
    parts, size = [], 0
    while part := await response.content.readany():
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise ValueError("too long")
    return b"".join(parts)
