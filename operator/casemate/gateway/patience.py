"""How long an exchange with the engine may take."""

import asyncio

from casemate.gateway.settings import Timeouts


class Patience:
    """One deadline made of three: to the first byte, between two bytes, and altogether."""

    def __init__(self, timeouts: Timeouts, began: float) -> None:
        """Start to wait.

        Args:
            timeouts: For ``first_byte_timeout``, ``idle_timeout`` and ``total_timeout``.
            began: Loop time from which the total counts.
        """
        self._loop = asyncio.get_running_loop()
        self._idle = timeouts.idle_timeout
        self._end = began + timeouts.total_timeout
        # Moving a timer for every event would cost more than the event: it moves when it is
        # worth it, and an idle wait may end that much later.
        self._grain = min(1.0, timeouts.idle_timeout / 8)
        self._moved = 0.0
        first = self._loop.time() + timeouts.first_byte_timeout
        self.scope = asyncio.timeout_at(min(first, self._end))

    def progress(self) -> None:
        """Begin the wait for the next byte."""
        now = self._loop.time()
        if now - self._moved > self._grain:
            self._moved = now
            self.scope.reschedule(min(now + self._idle + self._grain, self._end))
