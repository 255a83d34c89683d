"""The kopf part: what is watched, and where each event goes. Events only mark keys."""

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import kopf
from typing_extensions import override

from casemate.cluster.client import in_cluster_server
from casemate.cluster.keys import Key, TermsKey
from casemate.cluster.kinds import (
    CERTIFICATE_REQUEST,
    CHILDREN,
    MODEL_DEPLOYMENT,
    POD,
    SUPPLIER,
    USAGE_AGREEMENT,
    Kind,
)
from casemate.cluster.store import Store
from casemate.controller.queue import WorkQueue
from casemate.core import names, signing

_RECOUNT_SECONDS = 2.0
"""How long changes of counts are gathered before a status tells them."""

Handler = Callable[..., Awaitable[None]]


def registry(
    store: Store,
    deployments: WorkQueue[Key],
    certificates: WorkQueue[Key],
    terms: WorkQueue[TermsKey],
    started: Callable[[], None],
) -> kopf.OperatorRegistry:
    """All handlers: one for each watched kind, and nothing that would write annotations.

    Args:
        store: What is shown goes there.
        deployments: Is told of changed deployments.
        certificates: Is told of requests for certificates.
        terms: Is told of changed agreements and suppliers.
        started: Called when kopf has begun, and has taken what it takes of the process.
    """
    handlers = kopf.OperatorRegistry()
    kopf.on.startup(registry=handlers, id="started")(_calls(started))
    kopf.on.login(registry=handlers)(_login)
    for kind in (MODEL_DEPLOYMENT, *CHILDREN.values(), POD):
        _on_event(handlers, kind, _remember(store, deployments, terms, kind))
    for kind in (USAGE_AGREEMENT, SUPPLIER):
        _on_event(handlers, kind, _remember_terms(store, terms, kind))
    _on_event(handlers, CERTIFICATE_REQUEST, _forward(certificates))
    return handlers


def _calls(started: Callable[[], None]) -> Handler:
    async def call(**_: Any) -> None:
        started()

    return call


class _NoDiffBase(kopf.DiffBaseStorage):
    """Keeps nothing: only change handlers need it, and building it costs more than our own work."""

    @override
    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    @override
    def fetch(self, **_: Any) -> None:
        return None

    @override
    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """Keeps nothing: events have no progress."""

    @override
    def fetch(self, **_: Any) -> None:
        return None

    @override
    def store(self, **_: Any) -> None:
        return None

    @override
    def purge(self, **_: Any) -> None:
        return None

    @override
    def touch(self, **_: Any) -> None:
        return None

    @override
    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence


def settings() -> kopf.OperatorSettings:
    """How kopf is to behave: as a watcher only."""
    chosen = kopf.OperatorSettings()
    chosen.scanning.disabled = True  # no watch of CRDs and namespaces, no rights for it
    chosen.posting.enabled = False
    chosen.persistence.diffbase_storage = _NoDiffBase()
    chosen.persistence.progress_storage = _NoProgress()
    chosen.watching.chunk_size = 250
    chosen.watching.inactivity_timeout = 70  # bookmarks come every 60 s
    chosen.queueing.idle_timeout = 1  # one task per object lives this long after its last event
    chosen.networking.request_timeout = 30
    for kind in (*CHILDREN.values(), POD):
        chosen.watching.label_selectors[_selector(kind)] = names.MANAGED_SELECTOR
    chosen.watching.field_selectors[_selector(CERTIFICATE_REQUEST)] = (
        f"spec.signerName={names.SIGNER}"
    )
    return chosen


def _selector(kind: Kind) -> tuple[str, str, str]:
    return (kind.group, kind.version, kind.plural)


def _on_event(handlers: kopf.OperatorRegistry, kind: Kind, handler: Handler) -> None:
    kopf.on.event(*_selector(kind), id=f"watch-{kind.plural}", registry=handlers)(handler)


async def _login(**arguments: Any) -> kopf.ConnectionInfo | None:
    account = kopf.login_with_service_account(**arguments)
    if account is None:
        return kopf.login_with_kubeconfig(**arguments)
    # By address, as the rest of the operator does: kopf's own way needs the cluster's DNS.
    return dataclasses.replace(account, server=in_cluster_server())


def _remember(
    store: Store, queue: WorkQueue[Key], terms: WorkQueue[TermsKey], kind: Kind
) -> Handler:
    async def remember(event: kopf.RawEvent, **_: Any) -> None:
        body = event["object"]
        if event["type"] == "DELETED":
            key = store.drop(kind.kind, body)
        else:
            key = store.put(kind.kind, body, watched=True)
        if key:
            queue.add(key)
        recount(store, terms)

    return remember


def recount(store: Store, terms: WorkQueue[TermsKey]) -> None:
    """Asks for a look at what deployments have changed the counts of; many changes, one look."""
    while store.touched:
        terms.add(store.touched.pop(), _RECOUNT_SECONDS)


def _remember_terms(store: Store, terms: WorkQueue[TermsKey], kind: Kind) -> Handler:
    async def remember(event: kopf.RawEvent, **_: Any) -> None:
        body = event["object"]
        if event["type"] == "DELETED":
            terms.add(store.terms.drop(kind.kind, body["metadata"]["name"]))
        elif key := store.terms.put(kind.kind, body):
            terms.add(key)

    return remember


def _forward(queue: WorkQueue[Key]) -> Handler:
    async def forward(event: kopf.RawEvent, **_: Any) -> None:
        body = event["object"]
        if event["type"] != "DELETED" and not signing.settled(body):
            queue.add(Key(body["metadata"]["namespace"], body["metadata"]["name"]))

    return forward
