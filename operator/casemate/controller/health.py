"""Liveness that means progress: the queue moves, and the watches show what lists and answers do."""

import logging
import time
from collections.abc import Callable

from casemate.cluster.keys import Key
from casemate.cluster.store import Store
from casemate.controller.queue import WorkQueue
from casemate.core.observed import Ref  # noqa: TC001 - a type alias for a dict key

logger = logging.getLogger(__name__)

_STUCK_SECONDS = 300.0
"""A single look at an object takes well under a minute even when every request is retried."""

_BEHIND_SECONDS = 90.0
"""A dead stream is noticed within 30 s, and re-opened."""


class Progress:
    """Knows since when something has been waiting; nothing has before there is work to follow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._work: tuple[Store, WorkQueue[Key]] | None = None
        self._since: dict[tuple[tuple[Key, Ref], int], float] = {}
        self.primed = False
        """Whether everything has been read once, and this replica is at work or follows."""

    def follow(self, store: Store, queue: WorkQueue[Key]) -> None:
        """Says what to look at from now on."""
        self._work = store, queue

    def trouble(self) -> str | None:
        """What makes no progress, or None."""
        if self._work is None:
            return None
        store, queue = self._work
        if queue.age() > _STUCK_SECONDS:
            return f"a key has been waiting or running for {queue.age():.0f} s"
        behind = self._behind(store)
        if behind > _BEHIND_SECONDS:
            return f"the watches have not shown a known change for {behind:.0f} s"
        return None

    def _behind(self, store: Store) -> float:
        now = self._clock()
        unseen = set(store.unseen.items())
        self._since = {one: self._since.get(one, now) for one in unseen}
        return max((now - since for since in self._since.values()), default=0.0)
