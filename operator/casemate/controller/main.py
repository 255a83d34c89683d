"""`casemate operator`: reads the command line, wires the parts, runs until told to stop."""

import argparse
import asyncio
import logging
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import kopf
import uvloop

from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.index import Index
from casemate.cluster.keys import Key, TermsKey
from casemate.cluster.resync import resync
from casemate.cluster.store import Store
from casemate.controller import isolation, proofs, servers, watches
from casemate.controller.authority import CHECK_SECONDS, AuthorityKeeper
from casemate.controller.health import Progress
from casemate.controller.queue import WorkQueue
from casemate.controller.reconcile import Reconciler, failed
from casemate.controller.signer import Signer
from casemate.controller.terms import TermsReconciler
from casemate.controller.terms import failed as terms_failed
from casemate.core import names
from casemate.core.observed import Settings
from casemate.isolation import arguments
from casemate.isolation.targets import Target
from casemate.isolation.visits import visit_forever
from casemate.ports import serve

logger = logging.getLogger(__name__)

_RESYNC_SECONDS = 300.0
_RETRY_SECONDS = 10.0
_NAME = re.compile(r"[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?")
_DIGEST = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Options:
    """The command line."""

    gateway_image: str
    monitoring_namespace: str
    image_pull_secrets: tuple[str, ...]
    closed: tuple[Target, ...]
    isolation_period: int
    warden_token: Path | None
    namespace: str
    metrics_port: int
    health_port: int
    workers: int


def main(argv: Sequence[str]) -> int:
    """Runs the operator; returns the exit code."""
    options = _parse(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("kopf").setLevel(logging.WARNING)
    try:
        uvloop.run(_run(options))
    except Error as error:
        print(f"casemate operator: cannot start: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _parse(argv: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser("casemate operator", description=__doc__)
    parser.add_argument("--gateway-image", required=True, type=_image, help="NAME@sha256:DIGEST")
    parser.add_argument(
        "--namespace", default="casemate-system", type=_name, help="where the CA is kept"
    )
    parser.add_argument("--monitoring-namespace", default="monitoring", type=_name)
    parser.add_argument("--image-pull-secret", action="append", default=[], type=_name)
    parser.add_argument(
        "--closed",
        action="append",
        default=[],
        type=arguments.target,
        help="what no model may reach, tcp:ADDRESS:PORT=NAME: an address of the site's own",
    )
    parser.add_argument(
        "--isolation-period",
        default=30,
        type=_whole(5, 30),
        help="seconds between two proofs of isolation while a pod serves (30)",
    )
    parser.add_argument("--warden-token", type=Path, help="file with a token for the warden")
    parser.add_argument("--metrics-port", type=_whole(1, 65535), default=8080)
    parser.add_argument("--health-port", type=_whole(1, 65535), default=8081)
    parser.add_argument("--workers", type=_whole(1, 256), default=16, help="passes at a time")
    given = parser.parse_args(argv)
    if given.monitoring_namespace == given.namespace:
        parser.error(
            f"--monitoring-namespace and --namespace must differ; both are {given.namespace}: the"
            " warden, which must not reach the gateways' metrics, would"
        )
    if given.metrics_port == given.health_port:
        parser.error(f"--metrics-port and --health-port must differ; both are {given.health_port}")
    return Options(
        gateway_image=given.gateway_image,
        monitoring_namespace=given.monitoring_namespace,
        image_pull_secrets=tuple(given.image_pull_secret),
        closed=tuple(given.closed),
        isolation_period=given.isolation_period,
        warden_token=given.warden_token,
        namespace=given.namespace,
        metrics_port=given.metrics_port,
        health_port=given.health_port,
        workers=given.workers,
    )


def _image(text: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"an image by digest is accepted (NAME@sha256:…); got {text!r}"
        )
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"a name of lower-case letters, digits, '-' and '.' is accepted; got {text!r}"
        )
    return text


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
            raise argparse.ArgumentTypeError(
                f"a whole number from {least} to {most} is accepted; got {text!r}"
            )
        return int(text)

    return parse


async def _run(options: Options) -> None:
    client = await Client.connect()
    store = Store()
    keeper = AuthorityKeeper(client, options.namespace)
    where = await isolation.find(client, options.namespace, options.closed)
    settings = Settings(
        gateway_image=options.gateway_image,
        isolation=replace(where, period=options.isolation_period),
        monitoring_namespace=options.monitoring_namespace,
        image_pull_secrets=options.image_pull_secrets,
    )
    reconciler = Reconciler(client, store, settings)
    deployments = WorkQueue(reconciler, options.workers, failed)
    store.terms.doubt = client.clock.doubt
    index = Index(client)
    terms = WorkQueue(TermsReconciler(client, store, index, deployments.add), 4, terms_failed)
    certificates = WorkQueue(Signer(client, store, keeper, options.namespace), 4, failed)
    progress = Progress(store, deployments)
    runners = [
        await serve(
            servers.metrics_app(servers.StateCollector(store, deployments)), options.metrics_port
        ),
        await serve(servers.health_app(progress), options.health_port),
    ]
    tasks: list[asyncio.Task[None]] = []
    try:
        await keeper.refresh()
        for key in await resync(client, store):
            deployments.add(key)
        watches.recount(store, terms)
        await index.publish(store.terms.index())
        if options.warden_token:
            warden = isolation.warden(where, lambda: keeper.chain_pem().decode())
            listener = proofs.Listener(warden, options.warden_token, store, deployments.add)
            await listener.begin()
            tasks = [asyncio.create_task(listener.run())]
        progress.primed = True
        tasks += [
            asyncio.create_task(deployments.run()),
            asyncio.create_task(certificates.run()),
            asyncio.create_task(terms.run()),
            asyncio.create_task(_resync_forever(client, store, deployments, terms)),
            asyncio.create_task(_keep_authority(keeper)),
            asyncio.create_task(_keep_index(index)),
            asyncio.create_task(visit_forever(where.warden, names.CANARY_PORT)),
            asyncio.create_task(isolation.until_moved(client, where, CHECK_SECONDS)),
        ]
        handlers = watches.registry(store, deployments, certificates, terms)
        await _watch_until_stopped(handlers, tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for runner in runners:
            await runner.cleanup()
        await client.close()


async def _watch_until_stopped(
    handlers: kopf.OperatorRegistry, others: list[asyncio.Task[None]]
) -> None:
    """Runs kopf; if any other part ends, everything ends, and the pod is started anew."""
    watching = asyncio.create_task(
        kopf.operator(
            registry=handlers,
            settings=watches.settings(),
            clusterwide=True,
            standalone=True,
        )
    )
    try:
        done, _ = await asyncio.wait({watching, *others}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _resync_forever(
    client: Client, store: Store, queue: WorkQueue[Key], terms: WorkQueue[TermsKey]
) -> None:
    while True:
        await asyncio.sleep(_RESYNC_SECONDS)
        try:
            for key in await resync(client, store):
                queue.add(key)
            watches.recount(store, terms)
        except Error as error:
            logger.warning("the lists could not be read, tried again later: %s", error)


async def _keep_index(index: Index) -> None:
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        try:
            await index.restore()
        except Error as error:
            logger.warning("the index of terms could not be kept, tried again later: %s", error)


async def _keep_authority(keeper: AuthorityKeeper) -> None:
    wait = CHECK_SECONDS
    while True:
        await asyncio.sleep(wait)
        try:
            wait = await keeper.refresh()
        except Error:
            logger.exception("the gateway CA could not be kept")
            wait = _RETRY_SECONDS
