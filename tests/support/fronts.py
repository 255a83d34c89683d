"""A way to an API server on which a test may stand: it passes all on, as one user."""

import asyncio
import threading
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
import yaml
from aiohttp import web

from enclave.controlplane import ControlPlane
from enclave.kubeapi import KubeApi

_PASSED_ON = ("Accept", "Content-Type", "User-Agent")


class Front:
    """Answers on loopback, as one user of an API server."""

    def __init__(self, plane: ControlPlane, credentials: Path) -> None:
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
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._context, limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
        )
        app = web.Application(client_max_size=1 << 22)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def _close(self) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """What happens to one request; here, nothing does."""
        return await self._pass_on(request)

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        async with self._ask(request, body) as found:
            answer = web.StreamResponse(status=found.status)
            answer.content_type = found.content_type
            self._mark(answer)
            # Who asked may go at any moment: a watch is given up, an operator ends.
            with suppress(ConnectionError):
                await answer.prepare(request)
                async for chunk in found.content.iter_any():
                    await self._hand_over(request, answer, chunk)
            return answer

    def _ask(
        self, request: web.Request, body: bytes
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """The same request to the API server itself."""
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        target = f"{self._upstream}{request.path_qs}"
        return self._session.request(request.method, target, data=body or None, headers=headers)

    def _mark(self, answer: web.StreamResponse) -> None:
        """Changes an answer before it is sent; here, in nothing."""

    async def _hand_over(
        self, request: web.Request, answer: web.StreamResponse, chunk: bytes
    ) -> None:
        """Gives a part of an answer to who asked."""
        del request
        await answer.write(chunk)
