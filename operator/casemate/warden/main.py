"""`casemate warden`: serves the answer port over TLS, the canary, and probes of the kubelet."""

import argparse
import asyncio
import logging
import signal
import ssl
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from casemate.gateway.tls import BundleError, Certificate
from casemate.isolation.client import PATH
from casemate.ports import serve
from casemate.warden.canary import Canary

log = logging.getLogger(__name__)
_ANY = "0.0.0.0"  # noqa: S104  a pod's own network; policies say who gets in
_CERTIFICATE_SECONDS = 60.0


def main(argv: Sequence[str]) -> int:
    """Run the warden until SIGTERM; 1 when it could not start."""
    parser = argparse.ArgumentParser("casemate warden", description=__doc__)
    parser.add_argument("--tls-bundle", required=True, type=Path, help="private key, then chain")
    parser.add_argument("--port", type=int, default=8444, help="where it answers (8444)")
    parser.add_argument("--canary-port", type=int, default=8445, help="TCP and UDP (8445)")
    parser.add_argument("--health-port", type=int, default=8081, help="/healthz (8081)")
    given = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(_run(given))
    except (BundleError, OSError) as error:
        log.error("cannot start: %s", error)  # noqa: TRY400  a sentence helps, a trace does not
        return 1
    return 0


async def _run(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    certificate = Certificate(given.tls_bundle, lambda _: None)
    await certificate.wait(_CERTIFICATE_SECONDS)
    canary = Canary()
    await canary.open(_ANY, given.canary_port)
    runners = [
        await serve(answers(canary), given.port, _newest(certificate), _ANY),
        await serve(_health(), given.health_port, host=_ANY),
    ]
    renewal = asyncio.create_task(certificate.watch(lambda: None))
    log.info("answers on port %d, canary on %d", given.port, given.canary_port)
    await stop.wait()
    renewal.cancel()
    canary.close()
    for runner in runners:
        await runner.cleanup()


def answers(canary: Canary) -> web.Application:
    """What model pods may ask."""

    async def seen(_: web.Request) -> web.Response:
        return web.json_response({"seen": canary.seen()})

    app = web.Application(client_max_size=1024)
    app.router.add_get(PATH, seen)
    return app


def _health() -> web.Application:
    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    app = web.Application()
    app.router.add_get("/healthz", healthy)
    return app


def _newest(certificate: Certificate) -> ssl.SSLContext:
    """A context that hands each connection to the certificate in use at that moment."""
    context = certificate.context

    def newest(link: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        link.context = certificate.context

    context.sni_callback = newest
    return context
