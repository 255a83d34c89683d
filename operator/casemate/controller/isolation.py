"""The operator's part in the proof: where the warden is, and what must be closed."""

import asyncio
import logging
import os
from collections.abc import Callable

from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.kinds import SERVICE
from casemate.core import names
from casemate.core.observed import Isolation, Replica
from casemate.isolation.client import Warden
from casemate.isolation.targets import Protocol, Target

logger = logging.getLogger(__name__)


async def find(client: Client, namespace: str, site: tuple[Target, ...]) -> Isolation:
    """Where the warden is, and what must be closed to models: API server, DNS, the site's own.

    Raises:
        Error: There is no warden, or the API server does not answer.
    """
    wardens = await _wardens(client, namespace)
    if not wardens:
        raise Error(f"there is no Service {names.warden(0)} in {namespace}: the chart brings it")
    return Isolation(wardens, namespace, (*_api_server(), *site), await _dns(client))


async def _wardens(client: Client, namespace: str) -> tuple[Replica, ...]:
    """The warden's replicas, by their Services."""
    found = []
    for name in map(names.warden, range(names.MOST_WARDENS)):
        service = await client.get(SERVICE, namespace, name)
        if service is not None and service["spec"].get("clusterIP"):
            found.append(Replica(name, service["spec"]["clusterIP"]))
    return tuple(found)


def _api_server() -> list[Target]:
    host = os.environ.get("KUBERNETES_SERVICE_HOST")
    port = int(os.environ.get("KUBERNETES_SERVICE_PORT", "443"))
    return [Target(Protocol.TCP, host, port, "API server")] if host else []


async def _dns(client: Client) -> Target | None:
    service = await client.get(SERVICE, names.DNS_NAMESPACE, names.DNS_SERVICE)
    if service is None or not service["spec"].get("clusterIP"):
        return None
    return Target(Protocol.TCP, service["spec"]["clusterIP"], names.DNS_PORT, "DNS")


def warden(replica: Replica, namespace: str, trust: Callable[[], str]) -> Warden:
    """A replica of the warden, to be asked; `trust` returns the CAs as PEM."""
    name = names.service_hosts(replica.name, namespace)[0]
    return Warden(replica.address, names.WARDEN_PORT, name, trust)


async def until_moved(client: Client, isolation: Isolation, every: float) -> None:
    """Returns when the warden has other replicas or addresses: then everything is rendered anew."""
    while True:
        await asyncio.sleep(every)
        try:
            found = await _wardens(client, isolation.namespace)
        except Error as error:
            logger.warning("the warden's Services could not be read: %s", error)
            continue
        if found and found != isolation.wardens:
            told = ", ".join(f"{one.name} at {one.address}" for one in found)
            logger.warning("the warden is now %s: beginning anew", told)
            return
