"""The operator's part in the proof: where the warden is, and what must be closed."""

import asyncio
import logging
import os
from collections.abc import Callable

from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.kinds import SERVICE
from casemate.core import names
from casemate.core.observed import Isolation
from casemate.isolation.client import Warden
from casemate.isolation.targets import Protocol, Target

logger = logging.getLogger(__name__)


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


def warden(isolation: Isolation, trust: Callable[[], str]) -> Warden:
    """The warden, to be asked; `trust` returns the CAs as PEM."""
    name = names.service_hosts(names.WARDEN, isolation.namespace)[0]
    return Warden(isolation.warden, names.WARDEN_PORT, name, trust)


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
