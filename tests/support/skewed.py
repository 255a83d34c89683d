"""A way to an API server that tells another time: it passes all on, and moves the Date header."""

import asyncio
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
import yaml
from aiohttp import web

from enclave.controlplane import ControlPlane
from enclave.kubeapi import KubeApi

_PASSED_ON = ("Accept", "Content-Type", "User-Agent")


class Skewed:
    """Answers on loopback, as one user of an API server.

    Attributes:
        ahead: By how many seconds its time is ahead of the real one; may change at any moment.
    """

    def __init__(self, plane: ControlPlane, credentials: Path, ahead: float = 0.0) -> None:
        self.ahead = ahead
        self._upstream = plane.url
        self._context = KubeApi.load(credentials)._context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._credentials = credentials

    def __enter__(self) -> Self:
        self._thread.start()
        self._port = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def kubeconfig(self, path: Path) -> Path:
        """Write credentials that lead through here."""
        document = yaml.safe_load(self._credentials.read_text())
        document["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{self._port}"}
        path.write_text(yaml.safe_dump(document))
        return path

    async def _open(self) -> int:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._context))
        app = web.Application(client_max_size=1 << 22)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def _close(self) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        target, body = f"{self._upstream}{request.path_qs}", await request.read()
        async with self._session.request(
            request.method, target, data=body or None, headers=headers
        ) as found:
            answer = web.StreamResponse(status=found.status)
            answer.content_type = found.content_type
            moment = datetime.now(UTC) + timedelta(seconds=self.ahead)
            answer.headers["Date"] = format_datetime(moment, usegmt=True)
            # Who asked may go at any moment: a watch is given up, an operator ends.
            with suppress(ConnectionError):
                await answer.prepare(request)
                async for chunk in found.content.iter_any():
                    await answer.write(chunk)
            return answer
