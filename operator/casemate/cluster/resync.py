"""Reads whole collections: at the start, and again now and then as a check on the watches.

A watch that starts over (after `410 Gone`) shows what exists, but never what vanished meanwhile;
a complete list does, by comparing UIDs.
"""

import logging
from collections.abc import AsyncIterator
from typing import Any

from casemate.api.conditions import Reason
from casemate.cluster.client import Answer, Client
from casemate.cluster.errors import Error, Stalled
from casemate.cluster.keys import Key
from casemate.cluster.kinds import (
    CERTIFICATE_REQUEST,
    CHILDREN,
    KILL_SWITCH,
    MODEL_DEPLOYMENT,
    POD,
    SUPPLIER,
    USAGE_AGREEMENT,
    Kind,
)
from casemate.cluster.store import Store
from casemate.core import signing
from casemate.core.names import MANAGED_SELECTOR, SIGNER

logger = logging.getLogger(__name__)

_PAGE = 250
"""Objects in one answer: bounds the memory that a large cluster costs here."""


class NoSuchKind(Stalled):
    """A CustomResourceDefinition is missing."""


async def resync(client: Client, store: Store) -> set[Key]:
    """Brings the store up to date with full lists; the keys for which that was news."""
    # Terms first: a deployment is never judged without those that exist.
    for kind in (USAGE_AGREEMENT, SUPPLIER):
        await _resync_terms(client, store, kind)
    news = set()
    for kind in (MODEL_DEPLOYMENT, *CHILDREN.values(), POD):
        news |= await _resync(client, store, kind)
    return news | await _resync_switches(client, store)


async def _resync_switches(client: Client, store: Store) -> set[Key]:
    """Reads the kill switches, and goes on without: what cannot be told of them is unknown."""
    uids: set[str] = set()
    news: set[Key] = set()
    version = 0
    try:
        async for page in _pages(client, KILL_SWITCH, {}):
            for item in page["items"]:
                uids.add(item["metadata"]["uid"])
                news.update(store.under(item) if store.switches.put(item) else ())
            version = int(page["metadata"]["resourceVersion"])
    except NoSuchKind:
        raise
    except Error as error:
        logger.warning("the kill switches cannot be listed: %s", error)
        return news
    for one in store.switches.keep_only(uids, version):
        news.update(store.under(one))
    store.switches.heard()
    return news


async def unsettled(client: Client) -> list[Key]:
    """The requests for gateway certificates that have no answer yet."""
    selection = {"fieldSelector": f"spec.signerName={SIGNER}"}
    found = []
    async for page in _pages(client, CERTIFICATE_REQUEST, selection):
        open_ones = (item for item in page["items"] if not signing.settled(item))
        found += [Key(one["metadata"]["namespace"], one["metadata"]["name"]) for one in open_ones]
    return found


async def _resync_terms(client: Client, store: Store, kind: Kind) -> None:
    names: set[str] = set()
    async for page in _pages(client, kind, {}):
        for item in page["items"]:
            names.add(item["metadata"]["name"])
            if key := store.terms.put(kind.kind, _complete(kind, item)):
                store.touched.add(key)
    store.touched |= store.terms.keep_only(kind.kind, names)


async def _resync(client: Client, store: Store, kind: Kind) -> set[Key]:
    news: set[Key] = set()
    uids: set[str] = set()
    version = 0
    selection = {} if kind is MODEL_DEPLOYMENT else {"labelSelector": MANAGED_SELECTOR}
    async for page in _pages(client, kind, selection):
        for item in page["items"]:
            uids.add(item["metadata"]["uid"])
            key = store.put(kind.kind, _complete(kind, item))
            news |= {key} if key else set()
        version = int(page["metadata"]["resourceVersion"])
    return news | store.keep_only(kind.kind, uids, version)


async def _pages(client: Client, kind: Kind, selection: dict[str, str]) -> AsyncIterator[Answer]:
    params = {"limit": str(_PAGE), **selection}
    while True:
        page = await client.request("GET", kind.path(), params, accept=frozenset({404}))
        if page.code == 404:  # noqa: PLR2004
            raise NoSuchKind(
                Reason.APPLY_REFUSED,
                f"the API server knows no {kind.plural}.{kind.group}: "
                "install the CustomResourceDefinitions (the chart's crds.enabled)",
            )
        yield page
        token = page["metadata"].get("continue")
        if not token:
            return
        params["continue"] = token


def _complete(kind: Kind, item: dict[str, Any]) -> dict[str, Any]:
    """Items of a list lack what a single object has: their kind."""
    return {"apiVersion": kind.api_version, "kind": kind.kind, **item}
