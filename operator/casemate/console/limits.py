"""How often somebody may fail to sign in: each attempt is a request to the API server."""

from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 60.0
MOST_EACH, MOST_ALL = 10, 60
"""Attempts in a window that failed, from one address and from all together."""


class Attempts:
    """Attempts of the last minute that failed, or may fail yet.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._made: deque[tuple[float, str]] = deque()

    def allow(self, address: str) -> bool:
        """Count an attempt, unless there were too many; one that is refused counts no further."""
        now = self._clock()
        while self._made and self._made[0][0] <= now - WINDOW_SECONDS:
            self._made.popleft()
        own = sum(one == address for _, one in self._made)
        if own >= MOST_EACH or len(self._made) >= MOST_ALL:
            return False
        self._made.append((now, address))
        return True

    def forgive(self, address: str) -> None:
        """Count an attempt of an address no more: it did not fail."""
        for place in range(len(self._made) - 1, -1, -1):
            if self._made[place][1] == address:
                del self._made[place]
                return
