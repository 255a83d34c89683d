"""One client connection: aiohttp's HTTP/1.1 protocol, with what a hostile client could use closed.

aiohttp parses heads strictly (llhttp, strict mode) and bounds their size. Added here: answers to
malformed requests have OpenAI's shape and say nothing of the software, pipelining ends the
connection, and idle connections can be found and closed.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.web import RequestHandler
from typing_extensions import override

from casemate.gateway.answers import refusal_answer
from casemate.gateway.errors import Reason, Refusal

MAX_QUEUED_REQUESTS = 1


class Connection(RequestHandler):
    """One connection of a client."""

    __slots__ = ("_host",)

    def __init__(self, host: "Server", **options: Any) -> None:
        super().__init__(host, **options)
        self._host = host

    @property
    def busy(self) -> bool:
        """Whether a request is being received whole, worked on, or answered."""
        return self._request_in_progress or bool(self._messages)

    def abort(self) -> None:
        """Drop the connection and what is not sent yet; whoever works on a request is cancelled."""
        self.force_close()
        if self.transport is not None:
            self.transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._host.opened()

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._host.closed()

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # No client pipelines, and requests queued behind another would be memory for free.
        if len(self._messages) > MAX_QUEUED_REQUESTS:
            self.force_close()

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun; an error can only cut it")
        if status == 400:  # noqa: PLR2004  the parser's verdict
            refusal = Refusal(400, Reason.BAD_HTTP, "Malformed HTTP/1.1 request.", close=True)
        else:
            refusal = Refusal(500, Reason.INTERNAL, "Internal error.", close=True)
            self.log_exception("error while handling a request", exc_info=exc)
        self._host.unreadable(refusal)
        return refusal_answer(refusal)


class Server(web.Server):
    """Makes connections and knows all that are open."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Any],
        *,
        header_timeout: float,
        unreadable: Callable[[Refusal], None] = lambda _refusal: None,
        changed: Callable[[int], None] = lambda _count: None,
    ) -> None:
        """Prepare to serve.

        Args:
            handler: Answers one request.
            header_timeout: Seconds a connection may go without a complete request head.
            unreadable: Told about each request that is refused before the handler sees it.
            changed: Told the number of connections after each change.
        """
        super().__init__(
            handler,
            handler_cancellation=True,
            keepalive_timeout=header_timeout,
            lingering_time=1.0,
            auto_decompress=False,
            access_log=None,
            max_headers=64,
        )
        self.unreadable = unreadable
        self._changed = changed
        self._open = 0

    @override
    def __call__(self) -> RequestHandler:
        return Connection(self, loop=self._loop, **self._kwargs)

    def opened(self) -> None:
        """Count a connection."""
        self._open += 1
        self._changed(self._open)

    def closed(self) -> None:
        """Count the end of a connection."""
        self._open -= 1
        self._changed(self._open)

    def idle(self) -> list[Connection]:
        """Return the connections without a request, the oldest first."""
        return [link for link in self.connections if isinstance(link, Connection) and not link.busy]

    def cut(self) -> int:
        """End every connection that has a request, at once; returns how many there were."""
        busy = [link for link in self.connections if isinstance(link, Connection) and link.busy]
        for link in busy:
            link.abort()
        return len(busy)

    @property
    def open_count(self) -> int:
        """Number of connections that completed their handshake."""
        return self._open
