"""`casemate warden`: serves the answer port over TLS, the canary, and probes of the kubelet."""

import argparse
import asyncio
import logging
import signal
import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.kinds import SERVICE
from casemate.core import names
from casemate.gateway.tls import BundleError, Certificate
from casemate.isolation.visits import PERIOD_SECONDS, visit_forever
from casemate.ports import serve
from casemate.warden.answers import Answers, health
from casemate.warden.callers import Callers
from casemate.warden.canary import Canary
from casemate.warden.proofs import Ledger

log = logging.getLogger(__name__)
_ANY = "0.0.0.0"  # noqa: S104  a pod's own network; policies say who gets in
_CERTIFICATE_SECONDS = 60.0
_LOOK_SECONDS = 300.0
"""How long a Service is taken to have the address that it had."""


def main(argv: Sequence[str]) -> int:
    """Run the warden until SIGTERM; 1 when it could not start."""
    parser = argparse.ArgumentParser("casemate warden", description=__doc__)
    parser.add_argument("--tls-bundle", required=True, type=Path, help="private key, then chain")
    parser.add_argument("--port", type=int, default=8444, help="where it answers (8444)")
    parser.add_argument("--canary-port", type=int, default=8445, help="TCP and UDP (8445)")
    parser.add_argument("--health-port", type=int, default=8081, help="/healthz, /metrics (8081)")
    parser.add_argument("--namespace", default="casemate-system", help="where the operator runs")
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
    client, canary = await Client.connect(), Canary()
    answers = Answers(canary, Callers(client, given.namespace), Ledger())
    await canary.open(_ANY, given.canary_port)
    runners = [
        await serve(answers.app(), given.port, _newest(certificate), _ANY),
        await serve(health(), given.health_port, host=_ANY),
    ]
    tasks = [
        asyncio.create_task(certificate.watch(lambda: None)),
        asyncio.create_task(_visit(client, given.namespace)),
    ]
    log.info("answers on port %d, canary on %d", given.port, given.canary_port)
    await stop.wait()
    for task in tasks:
        task.cancel()
    canary.close()
    for runner in runners:
        await runner.cleanup()
    await client.close()


async def _visit(client: Client, namespace: str) -> None:
    """Visit the canary as its clients would, by the Service: so no proof waits for the operator."""
    while True:
        try:
            service = await client.get(SERVICE, namespace, names.WARDEN)
        except Error as error:
            log.warning("the warden's Service cannot be read: %s", error)
            service = None
        if service is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await visit_forever(service["spec"]["clusterIP"], names.CANARY_PORT)
        else:
            await asyncio.sleep(PERIOD_SECONDS)


def _newest(certificate: Certificate) -> ssl.SSLContext:
    """A context that hands each connection to the certificate in use at that moment."""
    context = certificate.context

    def newest(link: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        link.context = certificate.context

    context.sni_callback = newest
    return context
