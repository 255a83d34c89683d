"""One look at an agreement or supplier: its status, the index for admission, who must be told."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from casemate.cluster.client import Client
from casemate.cluster.index import Index
from casemate.cluster.keys import Key, TermsKey
from casemate.cluster.kinds import SUPPLIER, USAGE_AGREEMENT
from casemate.cluster.store import Store
from casemate.core import terms_status
from casemate.core.terms_status import Outcome

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 60.0
"""Longest time between two looks: a clock that was set must not delay an end by more than this."""

_KINDS = {kind.kind: kind for kind in (USAGE_AGREEMENT, SUPPLIER)}
_GONE = 404


class TermsReconciler:
    """Looks at one agreement or supplier at a time; it writes only what has changed."""

    def __init__(
        self, client: Client, store: Store, index: Index, tell: Callable[[Key], None]
    ) -> None:
        self._client, self._store, self._index, self._tell = client, store, index, tell
        self._told: dict[TermsKey, tuple[object, ...]] = {}

    async def __call__(self, key: TermsKey) -> float | None:
        """One pass; returns the seconds until the next look, or None when the object is gone.

        Raises:
            Error: a status or the index could not be written; the queue tries again.
        """
        body = self._store.terms.get(key)
        outcome = None
        if body is not None and not self._store.terms.doubt():
            outcome = self._outcome(key, body)
        # First the name, then Ready: who waits for Ready may name it at once.
        coming = {key: outcome.status} if outcome else {}
        await self._index.publish(self._store.terms.index(coming))
        if body is not None and outcome is not None:
            await self._write(key, body, outcome.status)
        self._tell_dependents(key)
        return None if body is None else _wait(outcome)

    def _outcome(self, key: TermsKey, body: Mapping[str, Any]) -> Outcome:
        now, terms = datetime.now(UTC), self._store.terms
        if key.kind == USAGE_AGREEMENT.kind:
            return terms_status.of_agreement(body, terms.grant(key.name), now)
        return terms_status.of_supplier(body, terms.behind(key.name), now)

    async def _write(self, key: TermsKey, body: Mapping[str, Any], status: dict[str, Any]) -> None:
        if status == body.get("status"):
            return
        kind, meta = _KINDS[key.kind], body["metadata"]
        wanted = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": key.name, "uid": meta["uid"]},
            "status": status,
        }
        answer = await self._client.apply(kind, wanted, sub="status", accept=frozenset({_GONE}))
        if answer.code != _GONE:
            self._store.terms.put(kind.kind, answer)

    def _tell_dependents(self, key: TermsKey) -> None:
        """Marks the deployments for which something changed since they were told last."""
        facts = self._facts(key)
        if self._told.get(key) == facts:
            return
        self._told[key] = facts
        for dependent in self._store.terms.dependents(key):
            self._tell(dependent)

    def _facts(self, key: TermsKey) -> tuple[object, ...]:
        terms = self._store.terms
        body = terms.get(key)
        if body is None:
            return ()
        status = {k: v for k, v in body.get("status", {}).items() if k != "deployments"}
        grants = terms.grant(key.name).replicas if key.kind == USAGE_AGREEMENT.kind else {}
        return body["metadata"]["generation"], terms.doubt(), status, dict(grants)


def _wait(outcome: Outcome | None) -> float:
    if outcome is None or outcome.next is None:
        return LOOK_AGAIN_SECONDS
    left = (outcome.next - datetime.now(UTC)).total_seconds()
    return min(max(left, 0.01), LOOK_AGAIN_SECONDS)


def failed(key: TermsKey, error: Exception) -> None:
    """Logs what a look raised; the queue tries again with back-off."""
    logger.warning("%s could not be looked at, tried again later: %s", key, error)
