"""The engine behind this gateway, asked through aiohttp's client.

Each request has a connection of its own, which ends with it. On a socket within the pod a new one
costs little, and it settles much: none has died while it was idle, so no request needs to be sent
twice; nothing that an engine sends too much can become the next caller's answer; and closing it
is what tells the engine to stop, whatever the cause.
"""

import io
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from aiohttp import (
    BaseConnector,
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
    UnixConnector,
)
from yarl import URL

from casemate.gateway.errors import EngineBrokenError, EngineUnreachableError
from casemate.gateway.settings import EngineAddress

# aiohttp stops reading from the engine at twice this, until the caller has taken what came.
READ_BYTES = 32 << 10
MAX_HEADER_BYTES = 8 << 10
MAX_HEADERS = 64
# aiohttp would add these; the second would invite answers that cannot be read.
_UNWANTED = ("User-Agent", "Accept-Encoding")
_JSON = {"Content-Type": "application/json"}


class Engine:
    """Exchanges with the engine; an async context manager that owns the client."""

    def __init__(self, address: EngineAddress, connect_timeout: float) -> None:
        """Prepare the client, within a running loop; nothing is connected yet.

        Args:
            address: Unix socket or loopback port.
            connect_timeout: Seconds for one connection attempt.
        """
        connector, self._base = _connector(address)
        self._session = ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            skip_auto_headers=_UNWANTED,
            # How long an answer may take is up to the caller, who knows what it waits for.
            timeout=ClientTimeout(total=None, sock_connect=connect_timeout),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=READ_BYTES,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
        )

    async def __aenter__(self) -> Self:
        """Return the engine itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Drop all connections."""
        await self._session.close()

    def exchange(
        self, method: str, path: str, headers: Mapping[str, str], payload: bytes = b""
    ) -> "Exchange":
        """Prepare one request.

        Args:
            method: HTTP method.
            path: Request target; the caller has checked it.
            headers: Further headers; the caller has checked them.
            payload: JSON body; empty for none.
        """
        return Exchange(self._session, method, URL(self._base + path), headers, payload)


class Exchange:
    """One request and its answer; an async context manager that owns the connection."""

    def __init__(
        self,
        session: ClientSession,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        payload: bytes,
    ) -> None:
        self._session = session
        self._method = method
        self._url = url
        self._headers = {**headers, **_JSON} if payload else headers
        # A file, because aiohttp warns of large bodies that are anything else.
        self._payload = io.BytesIO(payload) if payload else None
        self._response: ClientResponse | None = None

    @property
    def response(self) -> ClientResponse:
        """The head of the answer, within the context."""
        if self._response is None:
            raise RuntimeError("the exchange has not begun")
        return self._response

    async def __aenter__(self) -> Self:
        """Send the request and read the head of the answer.

        Raises:
            EngineUnreachableError: No connection.
            EngineBrokenError: The connection ended or the answer is malformed.
        """
        try:
            self._response = await self._session.request(
                self._method,
                self._url,
                headers=self._headers,
                data=self._payload,
                allow_redirects=False,
            )
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise EngineUnreachableError(f"cannot connect: {error}") from error
        except ClientError as error:
            # Its text may quote the answer, and what a model says belongs in no log.
            raise EngineBrokenError(type(error).__name__) from error
        if not _is_framed(self._response):
            self._response.close()
            raise EngineBrokenError("body of unknown length")
        return self

    async def read(self) -> bytes:
        """Return the next bytes of the body; none only after its proper end.

        Raises:
            EngineBrokenError: The connection ended before, or the framing is malformed.
        """
        try:
            return await self.response.content.readany()
        except ClientError as error:
            raise EngineBrokenError(type(error).__name__) from error

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop the connection; the engine's work for it ends."""
        self.response.close()


def _connector(address: EngineAddress) -> tuple[BaseConnector, str]:
    """Return what connects, without a limit of its own, and what precedes each path."""
    if address.socket is not None:
        return UnixConnector(address.socket, force_close=True, limit=0), "http://localhost"
    if address.tcp is None:
        raise ValueError("no address of the engine is set")
    host = f"[{address.tcp.host}]" if ":" in address.tcp.host else address.tcp.host
    return TCPConnector(force_close=True, limit=0), f"http://{host}:{address.tcp.port}"


def _is_framed(response: ClientResponse) -> bool:
    """Whether the answer says where it ends.

    If the end of the connection said it, the death of the engine would look like the end of an
    answer.
    """
    coding = response.headers.get("Transfer-Encoding")
    length = "Content-Length" in response.headers
    return length if coding is None else coding.lower() == "chunked" and not length
