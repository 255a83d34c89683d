"""What a search may spend: work is counted, since a pure function has no clock to look at.

A unit is about a nanosecond on one core of the machine that the costs were measured on, so the
allowance is a bound on time that holds on others in proportion.
"""

from casemate.guard.views.types import Unfinished

CHARACTER = 100
"""All tests that a plain character goes through."""
FAR_CHARACTER = 220
"""The same of text that is not ASCII."""
READING = 40
"""A character of another reading: made, folded and split into words."""
PASS = 40
"""A character, where letters' costs are looked up once more."""
PIECE = 1500
"""A stretch that is decoded by itself."""
MATCH = 400
"""A short match that is replaced by itself."""
_ALLOWANCE = 20_000_000
_PER_CHARACTER = 3000


class Meter:
    """Counts work, and ends the search when the allowance is spent."""

    def __init__(self, size: int) -> None:
        self._left = _ALLOWANCE + _PER_CHARACTER * size

    def spend(self, units: int) -> None:
        """Take units off the allowance.

        Raises:
            Unfinished: It is spent.
        """
        self._left -= units
        if self._left < 0:
            raise Unfinished
