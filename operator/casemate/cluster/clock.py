"""Our clock held against the API server's: whoever acts by the clock must be able to doubt it."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TOLERANCE_SECONDS = 60.0
"""Largest difference at which decisions by the clock are still made."""


class Clock:
    """Remembers how far apart the clocks were at the newest answer."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._difference: float | None = None

    def observe(self, date: str | None) -> None:
        """Takes in the `Date` header of an answer; one that is absent or broken tells nothing."""
        if not date:
            return
        try:
            theirs = parsedate_to_datetime(date)
        except ValueError:
            return
        if theirs.tzinfo is not None:
            self._difference = (self._now() - theirs).total_seconds()

    def doubt(self) -> str:
        """Why the clock is not to be trusted, or nothing."""
        if self._difference is None:
            return "the API server has not told its time yet"
        if abs(self._difference) <= TOLERANCE_SECONDS:
            return ""
        way = "ahead of" if self._difference > 0 else "behind"
        return (
            f"the operator's clock is more than {TOLERANCE_SECONDS:.0f} s {way} the API server's: "
            "set both by one time source; until then nothing is stopped or started by the clock"
        )
