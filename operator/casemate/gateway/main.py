"""The gateway's program: wires the parts, starts, serves, drains."""

import asyncio
import gc
import logging
import resource
import sys
from collections.abc import Sequence
from dataclasses import replace

import uvloop

from casemate.ending import when_asked_to_end
from casemate.gateway import allocator
from casemate.gateway.checks import Chain
from casemate.gateway.connection import Server
from casemate.gateway.engine import Engine
from casemate.gateway.entries import Approvals, Evidence
from casemate.gateway.errors import Reason, Refusal
from casemate.gateway.health import Admin, Readiness
from casemate.gateway.identity import identifying
from casemate.gateway.isolation import Watch
from casemate.gateway.judging import loader
from casemate.gateway.keeping import digests, recipient, recording
from casemate.gateway.listener import Listener, bind
from casemate.gateway.metrics import Metrics
from casemate.gateway.policy import Load
from casemate.gateway.proxy import Identify, Proxy
from casemate.gateway.settings import Settings, parse_settings
from casemate.gateway.stack import Stack
from casemate.gateway.stops import Stops, heeding
from casemate.gateway.tls import Bundle, BundleError, Certificate

log = logging.getLogger(__name__)

MAX_ADMIN_CONNECTIONS = 64
GC_THRESHOLD = 10_000
# After the grace period, requests are cancelled; that takes no longer than this.
CANCEL_SECONDS = 1.0
# How long a thread that judges may keep the event loop waiting for the interpreter (5 ms is usual).
SWITCH_SECONDS = 0.0005


def main(argv: Sequence[str]) -> int:
    """Run the gateway until SIGTERM or SIGINT.

    Args:
        argv: Command-line arguments, without the program's name.

    Returns:
        0 after an orderly end, 1 when it could not start; the log says why.
    """
    settings = parse_settings(argv)
    _raise_file_limit()
    allocator.give_back()
    sys.setswitchinterval(SWITCH_SECONDS)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings))
    except (BundleError, OSError) as error:
        log.error("cannot start: %s", error)  # noqa: TRY400  a sentence helps, a trace does not
        return 1
    return 0


def _raise_file_limit() -> None:
    """Allow as many open files as the system does: every connection is one, on both sides."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _run(settings: Settings) -> None:
    gateway = Gateway(settings)
    when_asked_to_end(gateway.stop)
    await gateway.run()


class Gateway:
    """One gateway, from start to end.

    Attributes:
        listener: Where clients connect; set while it serves.
        admin_listener: Where probes and Prometheus connect; set while it serves.
        stack: The safety stack, unless other checks are in its place.
        stops: Tells of kill switches, where there is a warden; set while it serves.
    """

    def __init__(
        self, settings: Settings, chain: Chain | None = None, load: Load | None = None
    ) -> None:
        """Wire the parts; nothing is opened yet.

        Args:
            settings: The configuration.
            chain: Checks in the place of the safety stack; timeout and counter come from here.
            load: Makes what is in force, in the place of the judge that ships.
        """
        self._settings = settings
        self._metrics = Metrics()
        guard, timeout = settings.guard, settings.timeouts.check_timeout
        self.stack: Stack | None = None
        if chain is None:
            load = load or loader(guard.bundle, self._metrics.guard)
            self.stack = Stack(guard.pinned, load, self._metrics.guard, timeout)
            chain = self.stack.chain
        self._chain = replace(
            chain,
            timeout=timeout,
            count=lambda name, verdict: self._metrics.checks.labels(name, verdict).inc(),
        )
        self._certificate = Certificate(settings.tls_bundle, self._certified)
        self._stop = asyncio.Event()
        self.started = asyncio.Event()
        self.stops: Stops | None = None
        self._server: Server
        self.listener: Listener
        self.admin_listener: Listener

    def stop(self) -> None:
        """Begin the orderly end."""
        self._stop.set()

    async def run(self) -> None:
        """Start, serve until stopped, drain.

        Raises:
            BundleError: There is no usable certificate in time.
            OSError: An address cannot be bound.
        """
        timeouts = self._settings.timeouts
        await self._certificate.wait(timeouts.certificate_timeout)
        async with (
            Engine(self._settings.engine, timeouts.connect_timeout) as engine,
            identifying(self._settings.identity, self._metrics) as identify,
            recording(
                self._settings.identity,
                self._digests,
                lambda: recipient(self.stack),
                self._metrics,
            ) as kept,
            heeding(self._settings.identity, self._metrics) as self.stops,
        ):
            try:
                await self._open(engine, identify, *kept)
            finally:
                if self.stack:
                    await self.stack.guardrails.close()

    def _digests(self) -> dict[str, str]:
        return digests(self.stack, self._settings.guard.pinned)

    async def _open(
        self, engine: Engine, identify: Identify, evidence: Evidence, approvals: Approvals
    ) -> None:
        timeouts = self._settings.timeouts
        watch = self._watch()
        isolated = watch.problem if watch else lambda: None
        parts = self._settings, engine, self._chain, self._metrics
        proxy = Proxy(
            *parts,
            identify=identify,
            evidence=evidence,
            approvals=approvals,
            isolated=isolated,
            stopped=self.stops.refusal if self.stops else lambda: None,
        )
        self._server = server = Server(
            proxy.handle,
            header_timeout=timeouts.header_timeout,
            unreadable=proxy.unreadable,
            changed=self._metrics.connections.set,
        )
        readiness = Readiness(
            engine,
            proxy,
            self._certificate,
            isolated=isolated,
            stops=self.stops.unknown if self.stops else lambda: None,
            guarded=lambda: self.stack.problem if self.stack else None,
            absent=self._absent,
            path=self._settings.engine_health,
            timeout=timeouts.probe_timeout,
        )
        admin = Server(
            Admin(readiness, self._metrics, self._hangs).handle,
            header_timeout=timeouts.header_timeout,
        )
        self.listener = self._client_listener(server)
        self.admin_listener = Listener(
            bind(self._settings.metrics),
            admin,
            max_connections=MAX_ADMIN_CONNECTIONS,
            handshake_timeout=timeouts.handshake_timeout,
        )
        await self._serve(proxy, admin, watch)

    def _watch(self) -> Watch | None:
        if self._settings.isolation is None:
            return None
        return Watch(self._settings.isolation, self._metrics, self._isolation_lost)

    async def _absent(self) -> str | None:
        return await self.stack.guardrails.absent() if self.stack else None

    def _hangs(self) -> bool:
        return self.stack is not None and self.stack.hangs

    def _isolation_lost(self) -> None:
        cut = self._server.cut()
        self._metrics.refusals.labels(Reason.NOT_ISOLATED.value).inc(cut)
        log.error("isolation is no longer proven: nothing is answered; %d requests cut", cut)

    def _stops_closed(self, refusal: Refusal) -> None:
        cut = self._server.cut()
        self._metrics.refusals.labels(refusal.reason.value).inc(cut)
        log.error("%s: nothing is answered; %d requests cut", refusal.reason.value, cut)

    async def _serve(self, proxy: Proxy, admin: Server, watch: Watch | None) -> None:
        tasks = [
            asyncio.create_task(self.admin_listener.run()),
            asyncio.create_task(self._certificate.watch(self._reload_failed)),
            *([asyncio.create_task(watch.run())] if watch else []),
            *([asyncio.create_task(self.stack.keeper.run())] if self.stack else []),
            *([asyncio.create_task(self.stops.run(self._stops_closed))] if self.stops else []),
        ]
        accepting = asyncio.create_task(self.listener.run())
        # What lives now lives for good: the collector need not look at it again. Requests leave
        # little to collect, so it need not look at them as often either.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)
        log.info("serving on port %d", self.listener.port)
        self.started.set()
        await self._stop.wait()
        log.info("draining")
        accepting.cancel()
        for link in self._server.idle():
            link.force_close()
        if not await proxy.drain(self._settings.timeouts.drain_timeout):
            log.warning("drain timeout: cancelling what is left")
        await self._server.shutdown(CANCEL_SECONDS / 2)
        for task in tasks:
            task.cancel()
        await admin.shutdown(CANCEL_SECONDS / 2)
        await asyncio.gather(accepting, *tasks, return_exceptions=True)

    def _client_listener(self, server: Server) -> Listener:
        limits, timeouts = self._settings.limits, self._settings.timeouts
        dropped = self._metrics.connections_refused
        return Listener(
            bind(self._settings.listen),
            server,
            max_connections=limits.max_connections,
            handshake_timeout=timeouts.handshake_timeout,
            context=lambda: self._certificate.context,
            dropped=lambda state: dropped.labels(state).inc(),
        )

    def _certified(self, bundle: Bundle) -> None:
        self._metrics.not_after.set(bundle.not_after.timestamp())
        self._metrics.reloads.labels("ok").inc()

    def _reload_failed(self) -> None:
        self._metrics.reloads.labels("failed").inc()
