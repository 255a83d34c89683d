"""The operator's part in the proof: where the warden is, and that its canary lives."""

import asyncio
import logging
import os

from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.kinds import SERVICE
from casemate.core import names
from casemate.core.observed import Isolation
from casemate.isolation.probes import probe
from casemate.isolation.targets import Protocol, Target

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 10.0
"""How often the canary is visited; a third of what a proof accepts."""


async def find(client: Client, namespace: str, site: tuple[Target, ...]) -> Isolation:
    """Where the warden is, and what must be closed to models: API server, DNS, the site's own.

    Raises:
        Error: There is no warden, or the API server does not answer.
    """
    service = await client.get(SERVICE, namespace, names.WARDEN)
    if service is None or not service["spec"].get("clusterIP"):
        raise Error(f"there is no Service {names.WARDEN} in {namespace}: the chart brings it")
    address = service["spec"]["clusterIP"]
    return Isolation(address, namespace, (*_api_server(), *site), await _dns(client))


def _api_server() -> list[Target]:
    host = os.environ.get("KUBERNETES_SERVICE_HOST")
    port = int(os.environ.get("KUBERNETES_SERVICE_PORT", "443"))
    return [Target(Protocol.TCP, host, port, "API server")] if host else []


async def _dns(client: Client) -> Target | None:
    service = await client.get(SERVICE, names.DNS_NAMESPACE, names.DNS_SERVICE)
    if service is None or not service["spec"].get("clusterIP"):
        return None
    return Target(Protocol.TCP, service["spec"]["clusterIP"], names.DNS_PORT, "DNS")


async def keep_canary_seen(isolation: Isolation) -> None:
    """Visits the canary for ever, as the one caller that policies allow there."""
    targets = [Target(one, isolation.warden, names.CANARY_PORT, "canary") for one in Protocol]
    before = ""
    while True:
        # One after the other: kopf ends by waiting for every task that was started after its own.
        readings = [await probe(target) for target in targets]
        problem = "; ".join(f"{one.target}: {one.how}" for one in readings if not one.answered)
        if problem and problem != before:
            logger.warning("the canary did not answer, so no new pod can start: %s", problem)
        before = problem
        await asyncio.sleep(PERIOD_SECONDS)


async def until_moved(client: Client, isolation: Isolation, every: float) -> None:
    """Returns when the warden has another address: then everything is rendered anew."""
    while True:
        await asyncio.sleep(every)
        try:
            service = await client.get(SERVICE, isolation.namespace, names.WARDEN)
        except Error as error:
            logger.warning("the warden's Service could not be read: %s", error)
            continue
        address = service["spec"].get("clusterIP") if service else ""
        if address and address != isolation.warden:
            logger.warning("the warden moved to %s: beginning anew", address)
            return
