"""Accepts connections: bounded in number from the first packet, each with the newest certificate.

The loop accepts by itself instead of through ``create_server`` for two reasons: a connection
counts against the limit before its TLS handshake, not after; and the certificate can change
between two connections.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable

from casemate.gateway.connection import Server
from casemate.gateway.settings import Address

log = logging.getLogger(__name__)

BACKLOG = 1024
# Long enough for a slow network, short enough to find a free place under a flood.
ACCEPT_PAUSE_SECONDS = 0.05


def bind(address: Address) -> socket.socket:
    """Return a listening, non-blocking socket.

    Raises:
        OSError: The address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)
    sock.settimeout(0)
    return sock


class Listener:
    """One listening socket and the connections that came through it."""

    def __init__(
        self,
        sock: socket.socket,
        server: Server,
        *,
        max_connections: int,
        handshake_timeout: float,
        context: Callable[[], ssl.SSLContext] | None = None,
        dropped: Callable[[str], None] = lambda _state: None,
    ) -> None:
        """Prepare to accept; `run` does.

        Args:
            sock: Listening socket.
            server: Gets the connections.
            max_connections: Connections at the same time, handshakes included.
            handshake_timeout: Seconds for a TLS handshake.
            context: Gives the TLS context for the next connection; None for plain HTTP.
            dropped: Told the state of each connection that is dropped to hold the limit.
        """
        self._sock = sock
        self._server = server
        self._max = max_connections
        self._timeout = handshake_timeout
        self._context = context
        self._dropped = dropped
        self._handshakes: dict[asyncio.Task[None], None] = {}

    @property
    def port(self) -> int:
        """The port that is listened on."""
        port: int = self._sock.getsockname()[1]
        return port

    async def run(self) -> None:
        """Accept connections until cancelled; then the socket is closed."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    client, _ = await loop.sock_accept(self._sock)
                except OSError as error:
                    # Out of file descriptors or memory: closing something may help, ending won't.
                    log.error("cannot accept a connection: %s", error)  # noqa: TRY400
                    self._make_room()
                    await asyncio.sleep(ACCEPT_PAUSE_SECONDS)
                    continue
                self._take(client)
        finally:
            self._sock.close()
            for task in self._handshakes:
                task.cancel()

    def _take(self, client: socket.socket) -> None:
        if self._server.open_count + len(self._handshakes) >= self._max and not self._make_room():
            self._dropped("new")
            client.close()
            return
        task = asyncio.create_task(self._start(client))
        self._handshakes[task] = None
        task.add_done_callback(lambda done: self._handshakes.pop(done, None))

    def _make_room(self) -> bool:
        """Drop whoever waits longest without a request: that is where a flood sits."""
        if self._handshakes:
            task = next(iter(self._handshakes))
            del self._handshakes[task]
            task.cancel()
            self._dropped("handshake")
            return True
        for link in self._server.idle():
            link.force_close()
            self._dropped("idle")
            return True
        return False

    async def _start(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        client.settimeout(0)
        context = self._context() if self._context else None
        try:
            await loop.connect_accepted_socket(
                self._server,
                client,
                ssl=context,
                ssl_handshake_timeout=self._timeout if context else None,
                ssl_shutdown_timeout=self._timeout if context else None,
            )
        except (OSError, TimeoutError, asyncio.CancelledError):
            # A failed handshake is the client's business; the socket must not outlive it.
            with contextlib.suppress(OSError):
                client.close()
