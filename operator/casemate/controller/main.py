"""`casemate operator`: runs one replica until it is told to stop, or leads no more."""

import asyncio
import logging
import os
import socket
import sys
import uuid
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any

import kopf
import uvloop
from aiohttp import web

from casemate.cluster.client import Client
from casemate.cluster.errors import Error, Lost
from casemate.cluster.fence import Fence
from casemate.cluster.lease import Elector
from casemate.controller import isolation, servers, watches
from casemate.controller.arguments import Options, parse
from casemate.controller.health import Progress
from casemate.controller.patience import answered
from casemate.controller.replica import Replica
from casemate.ending import when_asked_to_end
from casemate.ports import serve

logger = logging.getLogger(__name__)


def main(argv: Sequence[str]) -> int:
    """Runs the operator; returns the exit code."""
    options = parse(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("kopf").setLevel(logging.WARNING)
    try:
        uvloop.run(_run(options))
    except Error as error:
        print(f"casemate operator: cannot start: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


async def _run(options: Options) -> None:
    stop = asyncio.Event()
    when_asked_to_end(stop.set)
    # As client-go: the name of the pod, and what no other process has.
    me = f"{socket.gethostname()}_{uuid.uuid4()}"
    client = await Client.connect(Fence.closed(), me)
    own = await Client.connect(Fence.closed(), me)
    elector = Elector(own, client.fence, options.namespace, me, options.pace)
    runners: list[web.AppRunner] = []
    try:
        await _serve(_begin(client, elector, options, runners), elector, stop)
    finally:
        for runner in runners:
            await runner.cleanup()
        await client.close()
        await own.close()


async def _begin(
    client: Client, elector: Elector, options: Options, runners: list[web.AppRunner]
) -> Replica:
    """A replica that has read everything once.

    Raises:
        Error: something is missing, and trying again does not help.
    """
    progress = Progress()
    # Before anything is asked: who waits for an API server must not be taken for stuck.
    runners.append(await serve(servers.health_app(progress), options.health_port))
    where = await answered(partial(isolation.find, client, options.namespace, options.closed))
    replica = Replica(client, elector, options, where, progress)
    runners.append(await serve(servers.metrics_app(replica.collector), options.metrics_port))
    await answered(replica.prime)
    return replica


async def _serve(
    begin: Coroutine[Any, Any, Replica], elector: Elector, stop: asyncio.Event
) -> None:
    """Runs all tasks; if any ends, everything ends, and the pod is started anew."""
    begun = asyncio.create_task(begin)
    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(stop.wait()), begun]
    try:
        await _until_one_ends(tasks)
        if stop.is_set():
            return
        replica = begun.result()
        # Before kopf, which ends by waiting for every task that was started after its own.
        tasks[1:] = [asyncio.create_task(one) for one in (_elect(elector), *replica.running())]
        handlers = replica.handlers(lambda: when_asked_to_end(stop.set))
        tasks.append(asyncio.create_task(_watch(handlers)))
        await _until_one_ends(tasks)
    finally:
        # First of all: another replica may go on, whatever time the rest takes.
        await elector.resign()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until_one_ends(tasks: list[asyncio.Task[Any]]) -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _elect(elector: Elector) -> None:
    try:
        await elector.run()
    except Lost as lost:
        logger.critical("this process ends: %s", lost)
        # At once, as client-go's users do: an orderly end takes time, and may hang.
        os._exit(1)


async def _watch(handlers: kopf.OperatorRegistry) -> None:
    await kopf.operator(
        registry=handlers, settings=watches.settings(), clusterwide=True, standalone=True
    )
