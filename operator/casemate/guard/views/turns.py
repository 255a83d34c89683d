"""Text from right to left in scripts whose letters tell little by their order: told by words."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemate.guard.views.chars import (
    BREAK,
    LATIN,
    LETTER,
    WIDE,
    Index,
    Mask,
    Points,
    runs,
    text_of,
)
from casemate.guard.views.ciphers import reversed_in
from casemate.guard.views.meter import PASS
from casemate.guard.views.page import Page
from casemate.guard.views.types import Found
from casemate.guard.views.vocabulary import NUMBERS

_FEWEST = 6
"""Letters of other scripts than Latin."""
_SHORT = 3
"""Letters of a word that counts."""
_TOLD, _SHARE = 4, 0.1
"""Letters in known words, and share of all letters, that tell a whole text."""
_TOLD_CLAUSE, _SHARE_CLAUSE = 8, 0.35
"""The same of a clause among others, of which a text has many."""


class _Clauses(NamedTuple):
    """What tells the direction of each clause, as numbers of letters.

    Attributes:
        at: Number of the clause of each character.
        letters: All letters that count.
        here: Those in words known as they are.
        there: Those in words known from their ends.
    """

    at: Index
    letters: Index
    here: Index
    there: Index


def turned_clauses(page: Page) -> Iterator[Found]:
    """Arabic, Cyrillic, Greek, Han, kana or Hangul from its end: all of it, or some clauses."""
    if page.text.isascii():
        return
    letter = page.letter & ((page.flags & LATIN) == 0)
    if np.count_nonzero(letter) < _FEWEST:
        return
    page.spend(PASS)
    clauses = _clauses(page, letter)
    letters, here, there = (int(one.sum()) for one in clauses[1:])
    if there >= max(_TOLD, _SHARE * letters) and there > 2 * here:
        yield Found(("reversed",), page.text[::-1], hidden=True)
        words = (page.flags & (LETTER | WIDE)) == LETTER
        yield Found(("reversed-words",), text_of(reversed_in(page.codes, words)), hidden=True)
        return
    told = clauses.there >= np.maximum(_TOLD_CLAUSE, _SHARE_CLAUSE * clauses.letters)
    told &= clauses.there > 3 * clauses.here
    if told.any():
        mask = told[clauses.at] & ((page.flags & BREAK) == 0)
        yield Found(("reversed",), text_of(reversed_in(page.codes, mask)), hidden=True)


def _clauses(page: Page, letter: Mask) -> _Clauses:
    clause = np.cumsum((page.flags & BREAK) > 0).astype(np.intp)
    size = int(clause[-1]) + 1
    here, there = np.zeros(size, np.intp), np.zeros(size, np.intp)
    wide = (page.flags & WIDE) > 0
    if wide.any():
        first = np.flatnonzero(letter[:-1] & wide[:-1] & letter[1:] & wide[1:])
        held = (_held(page.codes, first, keys) for keys in page.vocabulary.pair_keys)
        here, there = (2 * _sums(clause[first], one, size) for one in held)
    starts, ends = runs(letter & ~wide)
    if starts.size:
        known = _known(page, starts, ends)
        here, there = (
            one + _sums(clause[starts], more, size)
            for one, more in zip((here, there), known, strict=True)
        )
    return _Clauses(clause, _sums(clause, letter, size), here, there)


def _sums(clause: Index, each: NDArray[np.generic], size: int) -> Index:
    return np.bincount(clause, each.astype(np.float64), size).astype(np.intp)


def _held(codes: Points, first: Index, known: NDArray[np.uint64]) -> Mask:
    """Which pairs of neighbours, by their first places, are among those given."""
    keys = (codes[first].astype(np.uint64) << np.uint64(21)) | codes[first + 1]
    at = np.minimum(np.searchsorted(known, keys), known.size - 1)
    return np.asarray(known[at] == keys, np.bool_)


def _known(page: Page, starts: Index, ends: Index) -> tuple[Index, Index]:
    """Letters of each word if it is known, as it is and from its end."""
    numbers, size = NUMBERS[page.at], page.codes.size
    lengths = np.where(ends - starts >= _SHORT, ends - starts, 0)
    here = page.vocabulary.knows(numbers, starts, ends)
    there = page.vocabulary.knows(numbers[::-1], size - ends, size - starts)
    return lengths * here, lengths * there
