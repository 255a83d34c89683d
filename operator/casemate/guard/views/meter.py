"""What a search may spend: work is counted, since a pure function has no clock to look at.

A unit is about a nanosecond on one core of the machine that the costs were measured on, so the
allowance is a bound on time that holds on others in proportion.
"""

from casemate.guard.views.types import Unfinished

BYTE = 120
"""All tests that a plain text goes through, for a byte of it in UTF-8."""
READING = 25
"""A byte of another reading: made, folded, and split into words."""
FAR_READING = 60
"""The same of text that is not ASCII, which must be composed."""
NEWS = 20
"""A character of a reading that is compared with what it was read from."""
PASS = 40
"""A character, where letters' costs are looked up once more."""
PIECE = 1500
"""A stretch that is decoded by itself."""
MATCH = 400
"""A short match that is replaced by itself."""
_ALLOWANCE = 16_000_000
"""What holds a text of 32 KiB below 20 ms; shorter ones may be searched as deeply."""
_PER_BYTE = 480
"""So that time stays linear in longer texts."""


def weight(text: str) -> int:
    """A text's bytes in UTF-8: far characters take longer in about this proportion."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


class Meter:
    """Counts work, and ends the search when the allowance is spent."""

    def __init__(self, text: str) -> None:
        self._left = max(_ALLOWANCE, _PER_BYTE * weight(text))

    def spend(self, units: int) -> None:
        """Take units off the allowance.

        Raises:
            Unfinished: It is spent.
        """
        self._left -= units
        if self._left < 0:
            raise Unfinished
