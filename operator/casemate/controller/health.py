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
"""A dead stream is noticed after 70 s without a bookmark, and re-opened."""


class Progress:
    """Knows since when something has been waiting."""

    def __init__(
        self, store: Store, queue: WorkQueue[Key], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._queue, self._clock = store, queue, clock
        self._since: dict[tuple[tuple[Key, Ref], int], float] = {}
        self.primed = False
        """Whether everything has been read once, and this replica is at work or follows."""

    def trouble(self) -> str | None:
        """What makes no progress, or None."""
        if self._queue.age() > _STUCK_SECONDS:
            return f"a key has been waiting or running for {self._queue.age():.0f} s"
        behind = self._behind()
        if behind > _BEHIND_SECONDS:
            return f"the watches have not shown a known change for {behind:.0f} s"
        return None

    def _behind(self) -> float:
        now = self._clock()
        unseen = set(self._store.unseen.items())
        self._since = {one: self._since.get(one, now) for one in unseen}
        return max((now - since for since in self._since.values()), default=0.0)
