"""Where a text has pieces of the encoder's vocabulary, by numbers that stretches of letters have.

An automaton of 128,000 pieces takes half a second to build and 12 MB; their numbers, sorted, take a
tenth of either. Two stretches have the same number by chance once in 2⁶⁴ times; whoever makes such
a pair has spelled a word wrong, and could have done so anyhow.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]
Places = NDArray[np.intp]

_FACTOR = np.uint64(0xD1342543DE82EF95)
_BACK = np.uint64(pow(int(_FACTOR), -1, 1 << 64))  # so that factor times this is 1
_GOLDEN, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_BITS = 20
_UPPER = np.uint64(64 - _BITS)


class Pieces:
    """The pieces, found in texts all at once."""

    def __init__(self, pieces: Sequence[str]) -> None:
        lengths = np.array([len(piece) for piece in pieces])
        total, back = _sums("".join(pieces))
        ends = np.cumsum(lengths)
        numbers = (total[ends] - total[ends - lengths]) * back[ends - lengths]
        self._which = np.argsort(numbers).astype(np.int32)
        self._numbers = numbers[self._which]
        # Most stretches are told to be no piece by a look at their upper bits.
        self._table = np.zeros(1 << _BITS, np.bool_)
        self._table[numbers >> _UPPER] = True
        self._lengths = np.arange(1, int(lengths.max()) + 1)[:, None]

    def found(self, text: str) -> list[tuple[int, int, int]]:
        """Return number, start and end of each piece in a text: by ends, then the longest first."""
        total, back = _sums(text)
        starts = np.arange(len(text))
        ends = starts + self._lengths
        inside = ends <= len(text)
        numbers = (total[np.where(inside, ends, 0)] - total[:-1]) * back[:-1]
        rows, columns = np.nonzero(inside & self._table[numbers >> _UPPER])
        likely = numbers[rows, columns]
        place = np.minimum(self._numbers.searchsorted(likely), self._numbers.size - 1)
        same = (self._numbers[place] == likely).nonzero()[0]
        begin, end = columns[same], columns[same] + rows[same] + 1
        order = np.lexsort((begin, end))
        chosen = (self._which[place[same]], begin, end)
        return list(zip(*(each[order].tolist() for each in chosen), strict=True))


def _sums(text: str) -> tuple[Numbers, Numbers]:
    """Return running sums over a text, and what turns a difference of two into a number."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    mixed = (codes + np.uint64(1)) * _GOLDEN
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MIX
    mixed ^= mixed >> np.uint64(32)
    total = np.zeros(codes.size + 1, np.uint64)
    (mixed * np.full(codes.size, _FACTOR).cumprod()).cumsum(out=total[1:])
    return total, np.full(codes.size + 1, _BACK).cumprod()
