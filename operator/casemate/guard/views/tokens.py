"""Runs of ASCII letters and digits in a text, and which of them characters' numbers may be."""

from string import ascii_letters

import numpy as np
from numpy.typing import NDArray

from casemate.guard.views.chars import Mask, after, before, count, runs
from casemate.guard.views.page import Page

_GAP = 4
"""Characters between two numbers of one row, at most."""
DIGITS, _HEXA, BIT, _ZERO, _CROSS, _SIGN, _BODY = (1 << n for n in range(7))
_KINDS = np.zeros(129, np.uint8)  # the last is that of all other characters
for _chars, _kind in (
    ("0123456789", DIGITS | _HEXA | _BODY),
    ("abcdefABCDEF", _HEXA),
    ("01", BIT),
    ("0", _ZERO),
    ("xX", _CROSS),
    ("%=#", _SIGN),
    (ascii_letters, _BODY),
):
    _KINDS[[ord(_char) for _char in _chars]] |= _kind


class Tokens:
    """Runs of ASCII letters and digits, and what they are made of."""

    def __init__(self, page: Page) -> None:
        # With room for a look at the character before a run, and behind its first ones.
        self._kinds = np.zeros(page.at.size + 4, np.uint8)
        _KINDS.take(page.at, out=self._kinds[1:-3], mode="clip")
        self.starts, self.ends = runs((self._kinds[1:-3] & _BODY) > 0)
        self.length = self.ends - self.starts
        # Others are part of an escape that has its own reading.
        self.free = self._kinds[self.starts] & _SIGN == 0

    def all(self, kind: int, sizes: Mask) -> Mask:
        """Tokens of such sizes that have characters of one kind alone."""
        fits = sizes & (self._first(0) & self._kinds[self.ends] & kind > 0)
        if fits.any():
            fits &= count((self._kinds[1:] & kind) > 0, self.starts, self.ends) == self.length
        return fits

    def pairs(self) -> Mask:
        """Tokens that are two hexadecimal digits, alone or behind x or 0x."""
        last = self._kinds[self.ends] & self._kinds[self.ends - 1] & _HEXA > 0
        bare = self.length == 2  # both are its last ones
        marked = (self.length == 3) & (self._first(0) & _CROSS > 0)
        full = (self.length == 4) & (self._first(0) & _ZERO > 0) & (self._first(1) & _CROSS > 0)
        fits: Mask = self.free & last & (bare | marked | full)
        return fits

    def _first(self, more: int) -> NDArray[np.uint8]:
        return self._kinds[self.starts + 1 + more]

    def groups(self, fits: Mask, least: int) -> list[tuple[int, int]]:
        """Stretches of so many fitting tokens in a row."""
        if np.count_nonzero(fits) < least:
            return []
        near = np.append(False, self.starts[1:] - self.ends[:-1] <= _GAP)
        linked = near & before(fits)
        first = np.flatnonzero(fits & ~linked)
        last = np.flatnonzero(fits & ~(after(fits) & after(near)))
        long = last - first + 1 >= least
        return list(
            zip(self.starts[first[long]].tolist(), self.ends[last[long]].tolist(), strict=True)
        )
