"""`casemate console`: the page of those who decide about held requests.

It has no rights of its own: all that it reads and writes, it does with the token of who asks.
"""

import argparse
import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from casemate.cluster.client import in_cluster_server
from casemate.console.access import Server
from casemate.console.app import application
from casemate.console.metrics import REGISTRY
from casemate.core import names
from casemate.ending import when_asked_to_end
from casemate.gateway.tls import BundleError, Certificate
from casemate.ports import health, newest, serve

log = logging.getLogger(__name__)
_ANY = "0.0.0.0"  # noqa: S104  a pod's own network; policies say who gets in
_CERTIFICATE_SECONDS = 60.0
_LOCAL = ("localhost", "127.0.0.1", "::1")
"""The names of a forwarded port."""


def main(argv: Sequence[str]) -> int:
    """Run the console until SIGTERM; 1 when it could not start."""
    parser = argparse.ArgumentParser("casemate console", description=__doc__)
    parser.add_argument("--tls-bundle", required=True, type=Path, help="private key, then chain")
    parser.add_argument("--api-ca", required=True, type=Path, help="the API server's authorities")
    parser.add_argument("--api-server", default="", help="its address (as pods are told it)")
    parser.add_argument("--listen", default=_ANY, help="address to listen on (all)")
    parser.add_argument("--port", type=int, default=names.CONSOLE_PORT, help="pages (8446)")
    parser.add_argument("--health-port", type=int, default=8081, help="/healthz, /metrics (8081)")
    parser.add_argument("--namespace", default="casemate-system", help="where the console runs")
    parser.add_argument("--host", action="append", default=[], help="name that browsers ask for")
    given = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(_run(given))
    except (BundleError, OSError) as error:
        log.error("cannot go on: %s", error)  # noqa: TRY400  a sentence helps, a trace does not
        return 1
    return 0


async def _run(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    when_asked_to_end(stop.set)
    certificate = Certificate(given.tls_bundle, lambda _: None)
    await certificate.wait(_CERTIFICATE_SECONDS)
    server = Server(given.api_server or in_cluster_server(), given.api_ca)
    app = application(server.enter, _hosts(given))
    runners = [
        await serve(app, given.port, newest(certificate), given.listen),
        await serve(health(REGISTRY), given.health_port, host=given.listen),
    ]
    watching = asyncio.create_task(certificate.watch(lambda: None))
    log.info("pages on port %d", given.port)
    await stop.wait()
    watching.cancel()
    for runner in runners:
        await runner.cleanup()


def _hosts(given: argparse.Namespace) -> frozenset[str]:
    own = names.service_hosts(names.CONSOLE, given.namespace)
    return frozenset(name.lower() for name in (*own, *_LOCAL, *given.host))
