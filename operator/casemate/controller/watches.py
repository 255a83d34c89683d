"""The kopf part: what is watched, and where each event goes. Events only mark keys."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import chain, repeat
from typing import Any

import kopf
from typing_extensions import override

from casemate.cluster.keys import Key, TermsKey
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
from casemate.controller.login import login
from casemate.controller.queue import WorkQueue
from casemate.core import names, signing

_RECOUNT_SECONDS = 2.0
"""How long changes of counts are gathered before a status tells them."""

WATCH_SECONDS = 20
"""How long one watch lasts; the next goes on where it ended, and costs one request a kind."""
SILENCE_SECONDS = WATCH_SECONDS + 3
"""How long a watch may show nothing before it counts as dead."""

Handler = Callable[..., Awaitable[None]]


def registry(
    store: Store,
    deployments: WorkQueue[Key],
    certificates: WorkQueue[Key],
    terms: WorkQueue[TermsKey],
    *,
    started: Callable[[], None],
    listed: Callable[[], None],
) -> kopf.OperatorRegistry:
    """All handlers: one for each watched kind, and nothing that would write annotations.

    Args:
        store: What is shown goes there.
        deployments: Is told of changed deployments.
        certificates: Is told of requests for certificates.
        terms: Is told of changed agreements and suppliers.
        started: Called when kopf has begun, and has taken what it takes of the process.
        listed: Called when kopf has read a part of a collection, to begin a watch with it.
    """
    handlers = kopf.OperatorRegistry()
    kopf.on.startup(registry=handlers, id="started")(_calls(started))
    kopf.on.login(registry=handlers)(login(listed, {KILL_SWITCH.path(): store.switches.heard}))
    for kind in (MODEL_DEPLOYMENT, *CHILDREN.values(), POD):
        _on_event(handlers, kind, _remember(store, deployments, terms, kind))
    for kind in (USAGE_AGREEMENT, SUPPLIER):
        _on_event(handlers, kind, _remember_terms(store, terms, kind))
    _on_event(handlers, KILL_SWITCH, _remember_switch(store, deployments))
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


class _Backoffs(Iterable[float]):
    """Waits between attempts, without end: kopf's own grow to 21 s, and then the process ends."""

    @override
    def __iter__(self) -> Iterator[float]:
        return chain((1.0, 2.0), repeat(4.0))


def settings() -> kopf.OperatorSettings:
    """How kopf is to behave: as a watcher only."""
    chosen = kopf.OperatorSettings()
    chosen.scanning.disabled = True  # no watch of CRDs and namespaces, no rights for it
    chosen.posting.enabled = False
    chosen.persistence.diffbase_storage = _NoDiffBase()
    chosen.persistence.progress_storage = _NoProgress()
    chosen.watching.chunk_size = 250
    # A watch ends after so long, and shows a bookmark 2 s before: silence beyond is no quiet.
    chosen.watching.server_timeout = WATCH_SECONDS
    chosen.watching.inactivity_timeout = SILENCE_SECONDS
    chosen.queueing.idle_timeout = 1  # one task per object lives this long after its last event
    chosen.networking.request_timeout = 30
    chosen.networking.error_backoffs = _Backoffs()
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


def _remember_switch(store: Store, queue: WorkQueue[Key]) -> Handler:
    async def remember(event: kopf.RawEvent, **_: Any) -> None:
        body = event["object"]
        known = store.switches
        if known.drop(body) if event["type"] == "DELETED" else known.put(body):
            for key in store.under(body):
                queue.add(key)

    return remember


def _forward(queue: WorkQueue[Key]) -> Handler:
    async def forward(event: kopf.RawEvent, **_: Any) -> None:
        body = event["object"]
        if event["type"] != "DELETED" and not signing.settled(body):
            queue.add(Key(body["metadata"]["namespace"], body["metadata"]["name"]))

    return forward
