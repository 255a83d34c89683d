"""Whether the engine behind this gateway answers, and what else the metrics port tells."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from casemate.gateway.answers import Answer
from casemate.gateway.engine import Engine
from casemate.gateway.errors import EngineBrokenError, EngineUnreachableError
from casemate.gateway.metrics import Metrics
from casemate.gateway.proxy import Proxy
from casemate.gateway.routes import Route
from casemate.gateway.tls import Certificate

log = logging.getLogger(__name__)

CACHE_SECONDS = 1.0
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
MAX_PROBE_BYTES = 1 << 20


class Readiness:
    """Whether requests would be answered now; found out at most once a second."""

    def __init__(
        self,
        engine: Engine,
        proxy: Proxy,
        certificate: Certificate,
        *,
        isolated: Callable[[], str | None],
        stops: Callable[[], str | None],
        guarded: Callable[[], str | None],
        absent: Callable[[], Awaitable[str | None]],
        path: str,
        timeout: float,
    ) -> None:
        """Prepare to probe.

        Args:
            engine: Probed with a GET.
            proxy: Not ready while it drains.
            certificate: Not ready once it has expired.
            isolated: Why isolation is not proven, or None.
            stops: Why it is not known whether this model is stopped, or None. One that is stopped
                is ready: it gives the answer that it should, and callers read why.
            guarded: Why nothing can be checked, or None.
            absent: Which required guardrail does not answer, or None.
            path: Probed first; an engine that does not have it is asked for its models.
            timeout: Seconds for one probe.
        """
        self._engine = engine
        self._proxy = proxy
        self._certificate = certificate
        self._isolated = isolated
        self._stops = stops
        self._guarded = guarded
        self._absent = absent
        self._paths = (path, Route.MODELS.value)
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._known_until = 0.0
        self._problem: str | None = "not probed yet"

    async def problem(self) -> str | None:
        """Return why requests would fail, or None if they would not."""
        if self._proxy.draining:
            return "draining"
        if self._certificate.expired:
            return "certificate expired"
        if problem := self._isolated():
            return f"isolation {problem}"
        if problem := self._stops():
            return f"kill switches: {problem}"
        if problem := self._guarded():
            return f"guard: {problem}"
        loop = asyncio.get_running_loop()
        async with self._lock:
            if loop.time() >= self._known_until:
                self._problem = await self._probe()
                self._known_until = loop.time() + CACHE_SECONDS
            return self._problem

    async def _probe(self) -> str | None:
        try:
            async with asyncio.timeout(self._timeout):
                if problem := await self._absent():
                    return problem
                for path in self._paths:
                    status = await self._ask(path)
                    if status != 404:  # noqa: PLR2004
                        break
        except (EngineUnreachableError, EngineBrokenError, TimeoutError) as error:
            return f"engine does not answer: {str(error) or 'timed out'}"
        return None if status == 200 else f"engine answers with status {status}"  # noqa: PLR2004

    async def _ask(self, path: str) -> int:
        async with self._engine.exchange("GET", path, {}) as exchange:
            size = 0
            while part := await exchange.read():
                size += len(part)
                if size > MAX_PROBE_BYTES:
                    raise EngineBrokenError("answer to a probe too large")
            return exchange.response.status


class Admin:
    """Answers on the metrics port: plain HTTP, for the kubelet and for Prometheus."""

    def __init__(
        self, readiness: Readiness, metrics: Metrics, hangs: Callable[[], bool] = lambda: False
    ) -> None:
        """Prepare to answer.

        Args:
            readiness: Asked for ``/readyz``.
            metrics: Rendered for ``/metrics``.
            hangs: Whether only a restart can help; then ``/healthz`` asks for one.
        """
        self._readiness = readiness
        self._metrics = metrics
        self._hangs = hangs

    async def handle(self, request: web.BaseRequest) -> Answer:
        """Answer one request; aiohttp's handler."""
        if request.method != "GET":
            return Answer(405, b"{}", {"Allow": "GET"})
        match request.raw_path:
            case "/healthz":
                return self._alive()
            case "/readyz":
                return await self._ready()
            case "/metrics":
                return Answer(200, self._metrics.render(), kind=_TEXT)
            case _:
                return Answer(404, b"{}")

    def _alive(self) -> Answer:
        if self._hangs():
            return Answer(503, b"a judgement hangs\n", kind=_TEXT)
        return Answer(200, b"ok\n", kind=_TEXT)

    async def _ready(self) -> Answer:
        problem = await self._readiness.problem()
        self._metrics.ready.set(problem is None)
        if problem is None:
            return Answer(200, b"ok\n", kind=_TEXT)
        return Answer(503, f"not ready: {problem}\n".encode(), kind=_TEXT)
