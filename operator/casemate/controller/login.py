"""How kopf reaches the API server, and how we learn that it reads a whole collection.

A watch that starts over shows what exists, but never what vanished meanwhile. kopf tells nobody
when one does, and of a collection that is empty by then it shows nothing; but it always lists.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import aiohttp
import kopf

from casemate.cluster.client import in_cluster_server

Login = Callable[..., Awaitable[kopf.AiohttpSession | None]]


def login(
    listed: Callable[[], None], answered: Mapping[str, Callable[[], None]] | None = None
) -> Login:
    """A handler that connects as this pod's account, or else as a kubeconfig says.

    Args:
        listed: Called when a part of a collection was read.
        answered: What to call, by path, when a list or a watch of a collection was granted.
    """
    trace = aiohttp.TraceConfig()

    async def look(_: object, __: SimpleNamespace, about: aiohttp.TraceRequestEndParams) -> None:
        if "limit" in about.url.query:
            listed()
        granted = about.response.status == HTTPStatus.OK
        if granted and (tell := (answered or {}).get(about.url.path)):
            tell()

    trace.on_request_end.append(look)

    async def connect(**arguments: Any) -> kopf.AiohttpSession | None:
        found = _credentials(arguments)
        if found is None:
            return None
        return kopf.AiohttpSession(
            server=found.server,
            default_namespace=found.default_namespace,
            aiohttp_session=aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=found.as_ssl_context()),
                headers=found.as_http_headers(),
                trace_configs=[trace],
            ),
        )

    return connect


def _credentials(arguments: dict[str, Any]) -> kopf.ConnectionInfo | None:
    account = kopf.login_with_service_account(**arguments)
    if account is None:
        return kopf.login_with_kubeconfig(**arguments)
    # By address, as the rest of the operator does: kopf's own way needs the cluster's DNS.
    return dataclasses.replace(account, server=in_cluster_server())
