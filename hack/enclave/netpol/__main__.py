"""Run the enforcer: ``python -m enclave.netpol --kubeconfig FILE --socket PATH``.

Start it inside the node's network namespace. The socket answers once the rules are in force.
When it ends, for whatever reason, the rules stay and new pods stay closed.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from kubernetes.aio import client, config

from enclave.netpol import nft, parse
from enclave.netpol.enforcer import Enforcer, Mirrors
from enclave.netpol.mirror import Mirror
from enclave.netpol.registry import Registry
from enclave.netpol.server import Server


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="enclave.netpol", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True, help="where the CNI plugin calls")
    parser.add_argument("--pod-cidr", action="append", help="repeatable; default 10.244.0.0/16")
    parser.add_argument("--state", type=Path, help="known pods; default: beside the socket")
    parser.add_argument(
        "--flush-on-exit", action="store_true", help="remove the rules on SIGTERM or SIGINT"
    )
    return parser.parse_args()


async def enforce(options: argparse.Namespace) -> None:
    """Follow the cluster until cancelled, or until a part fails."""
    nft.see_bridged_packets()
    registry = Registry(options.state or options.socket.with_suffix(".json"))
    enforcer = Enforcer(tuple(options.pod_cidr or ("10.244.0.0/16",)), registry)
    await enforcer.close()
    async with (
        await config.new_client_from_config(str(options.kubeconfig)) as api,
        asyncio.TaskGroup() as tasks,
    ):
        mirrors = follow(api, enforcer)
        for mirror in (mirrors.pods, mirrors.namespaces, mirrors.policies):
            tasks.create_task(mirror.run())
        tasks.create_task(enforcer.run(mirrors))
        enforcer.changed()
        await enforcer.settled()
        await Server(api, mirrors, registry, enforcer).listen(options.socket)


def follow(api: client.ApiClient, enforcer: Enforcer) -> Mirrors:
    """Say which objects are followed and how they are read."""
    core, networking = client.CoreV1Api(api), client.NetworkingV1Api(api)
    return Mirrors(
        pods=Mirror(
            core.list_pod_for_all_namespaces_without_preload_content,
            lambda data: parse.pod(data, parse.own_address(data)),
            enforcer.changed,
        ),
        namespaces=Mirror(
            core.list_namespace_without_preload_content, parse.labels, enforcer.changed
        ),
        policies=Mirror(
            networking.list_network_policy_for_all_namespaces_without_preload_content,
            parse.policy,
            enforcer.changed,
        ),
    )


async def main() -> None:
    """Run until SIGTERM or SIGINT."""
    options = arguments()
    os.umask(0o077)  # the socket and the state are for root only
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    task = asyncio.ensure_future(enforce(options))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task
    if options.flush_on_exit:
        await nft.flush()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except nft.FilterError as failure:
        sys.exit(f"enclave.netpol: {failure}")
