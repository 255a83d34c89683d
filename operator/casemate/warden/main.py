"""`casemate warden`: serves the answer port over TLS, the canary, and probes of the kubelet."""

import argparse
import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from casemate.audit.sealing import SealError
from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.kinds import NAMESPACE, SERVICE
from casemate.core import names
from casemate.ending import when_asked_to_end
from casemate.gateway.tls import BundleError, Certificate
from casemate.isolation.client import trusting
from casemate.isolation.visits import PERIOD_SECONDS, visit_forever
from casemate.ports import health, newest, serve
from casemate.warden import control, homes
from casemate.warden.among import Among
from casemate.warden.answers import Answers
from casemate.warden.archive import Archive
from casemate.warden.callers import Callers
from casemate.warden.canary import Canary
from casemate.warden.consume import Consumption
from casemate.warden.contents import Contents
from casemate.warden.desk import Desk, Locks
from casemate.warden.ended import Ended
from casemate.warden.evidence import Evidence
from casemate.warden.holds import Holds
from casemate.warden.homes import Homes
from casemate.warden.log.errors import LogError
from casemate.warden.log.stamp import SystemClock
from casemate.warden.log.store import Log, Options
from casemate.warden.metrics import LOG_SIZE, REGISTRY
from casemate.warden.peers import Peers, services
from casemate.warden.proofs import Ledger
from casemate.warden.receipts import Receipts
from casemate.warden.register import Clerk, Register
from casemate.warden.reviews import Reviews, route
from casemate.warden.rights import Electorate
from casemate.warden.rotating import Rotating
from casemate.warden.rounds import Rounds
from casemate.warden.stopanswers import stops_route
from casemate.warden.stops import Stops
from casemate.warden.subjects import Subjects
from casemate.warden.switches import Switches
from casemate.warden.terms import Terms

log = logging.getLogger(__name__)
_ANY = "0.0.0.0"  # noqa: S104  a pod's own network; policies say who gets in
_CERTIFICATE_SECONDS = 60.0
_SYSTEM = "kube-system"
_HELD = "held"
"""Folder beside the log with the contents of held requests."""
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
    parser.add_argument("--name", required=True, help="of this pod: records are named by it")
    parser.add_argument("--log", required=True, type=Path, help="folder of its log, on a volume")
    parser.add_argument("--peer-ca", required=True, help="bundle of CAs for the other replicas")
    parser.add_argument(
        "--peer-token", required=True, type=Path, help="file with this pod's token for them"
    )
    parser.add_argument(
        "--control", required=True, type=Path, help="socket on which its keys are changed"
    )
    given = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(_run(given))
    except (BundleError, Error, LogError, OSError, SealError) as error:
        log.error("cannot go on: %s", error)  # noqa: TRY400  a sentence helps, a trace does not
        return 1
    return 0


async def _run(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    when_asked_to_end(stop.set)
    certificate = Certificate(given.tls_bundle, lambda _: None)
    await certificate.wait(_CERTIFICATE_SECONDS)
    client, canary = await Client.connect(), Canary()
    callers = Callers(client, given.namespace)
    register, ended = Register(given.name), Ended(given.name)
    origin = await _origin(client, given)
    options = Options(version=version("casemate"), seen=_both(register.read, ended.read))
    kept = await Log.open(given.log, origin, SystemClock(), options)
    find = services(client, given.namespace, given.name, trusting(given.peer_ca))
    peers = Peers(find, given.peer_token)
    among = Among(kept, origin, peers, given.log)
    # Before anything is answered: others may know better what this log was.
    await among.begin()
    subjects = Subjects(client, Terms(given.log))
    answers = Answers(canary, callers, Ledger(), meet=subjects.stamped)
    LOG_SIZE.set_function(lambda: kept.size)
    stops = Stops(Switches(client), kept)
    archive = await asyncio.to_thread(Archive, given.log, client.clock.doubt)
    evidence = Evidence(
        kept,
        given.name,
        callers,
        subjects,
        stops,
        archive=archive,
        ended=ended,
        homes=Homes(peers),
    )
    desk = Desk(
        client,
        given.name,
        Clerk(evidence.append, register),
        await asyncio.to_thread(Contents, given.log.with_name(_HELD)),
        Electorate(client),
        stops.reason,
        Locks(),
    )
    app = answers.app(
        route(callers, Reviews(client)),
        evidence.route(),
        Holds(desk, callers, subjects, evidence).route(),
        Consumption(desk, callers, subjects, evidence).route(),
        stops_route(callers, subjects, stops),
        Receipts(kept, given.name, callers, subjects).route(),
        homes.route(callers, evidence.standing),
        *among.routes(callers),
    )
    await canary.open(_ANY, given.canary_port)
    runners = [
        await serve(app, given.port, newest(certificate), _ANY),
        await serve(health(REGISTRY, kept.reason), given.health_port, host=_ANY),
        await control.serve(
            control.app(Rotating(kept, given.name, among.following)), given.control
        ),
    ]
    tasks = [
        asyncio.create_task(certificate.watch(lambda: None)),
        asyncio.create_task(_visit(client, given.namespace, given.name)),
        asyncio.create_task(stops.run()),
        asyncio.create_task(Rounds(desk).run()),
        asyncio.create_task(archive.sweep()),
    ]
    among_others = asyncio.create_task(among.run())
    among_others.add_done_callback(lambda _: stop.set())
    tasks.append(among_others)
    log.info("answers on port %d, canary on %d", given.port, given.canary_port)
    kept.failure.add_done_callback(lambda _: stop.set())
    await stop.wait()
    for task in tasks:
        task.cancel()
    canary.close()
    for runner in runners:
        await runner.cleanup()
    await peers.close()
    await client.close()
    await archive.close()
    await kept.close()
    if among_others.done() and not among_others.cancelled():
        among_others.result()


def _both(*seen: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def look(record: bytes) -> None:
        for one in seen:
            one(record)

    return look


async def _origin(client: Client, given: argparse.Namespace) -> str:
    """Return the name of this replica's log, which says of which cluster it is.

    Raises:
        Error: The cluster cannot be asked who it is.
        LogError: It does not say.
    """
    system = await client.get(NAMESPACE, None, _SYSTEM)
    if system is None:
        raise LogError(f"there is no namespace {_SYSTEM}")
    return f"casemate.dev/warden/{system['metadata']['uid']}/{given.name}"


async def _visit(client: Client, namespace: str, name: str) -> None:
    """Visit the canary as its clients would, by the Service: so no proof waits for the operator."""
    while True:
        try:
            service = await client.get(SERVICE, namespace, name)
        except Error as error:
            log.warning("the Service %s cannot be read: %s", name, error)
            service = None
        if service is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await visit_forever(service["spec"]["clusterIP"], names.CANARY_PORT)
        else:
            await asyncio.sleep(PERIOD_SECONDS)
