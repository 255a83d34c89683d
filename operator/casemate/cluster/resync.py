"""Reads whole collections: at the start, and again now and then as a check on the watches.

A watch that starts over (after `410 Gone`) shows what exists, but never what vanished meanwhile;
a complete list does, by comparing UIDs.
"""

from typing import Any

from casemate.api.conditions import Reason
from casemate.cluster.client import Client
from casemate.cluster.errors import Stalled
from casemate.cluster.kinds import CHILDREN, MODEL_DEPLOYMENT, POD, Kind
from casemate.cluster.store import Key, Store
from casemate.core.names import MANAGED_SELECTOR

_PAGE = 250
"""Objects in one answer: bounds the memory that a large cluster costs here."""


async def resync(client: Client, store: Store) -> set[Key]:
    """Brings the store up to date with full lists; the keys for which that was news."""
    news = set()
    for kind in (MODEL_DEPLOYMENT, *CHILDREN.values(), POD):
        news |= await _resync(client, store, kind)
    return news


async def _resync(client: Client, store: Store, kind: Kind) -> set[Key]:
    news: set[Key] = set()
    uids: set[str] = set()
    params = {"limit": str(_PAGE)}
    if kind is not MODEL_DEPLOYMENT:
        params["labelSelector"] = MANAGED_SELECTOR
    while True:
        page = await client.request("GET", kind.path(), params, accept=frozenset({404}))
        if page.code == 404:  # noqa: PLR2004
            raise Stalled(
                Reason.APPLY_REFUSED,
                f"the API server knows no {kind.plural}.{kind.group}: "
                "install the CustomResourceDefinitions (the chart's crds.enabled)",
            )
        for item in page["items"]:
            uids.add(item["metadata"]["uid"])
            key = store.put(kind.kind, _complete(kind, item))
            news |= {key} if key else set()
        token = page["metadata"].get("continue")
        if not token:
            return news | store.keep_only(kind.kind, uids, int(page["metadata"]["resourceVersion"]))
        params["continue"] = token


def _complete(kind: Kind, item: dict[str, Any]) -> dict[str, Any]:
    """Items of a list lack what a single object has: their kind."""
    return {"apiVersion": kind.api_version, "kind": kind.kind, **item}
