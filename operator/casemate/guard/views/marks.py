"""Letters in other dress: with accents that no language has, or of another script, or turned."""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from casemate.guard.views.chars import (
    CYRILLIC,
    FOLD_LOOSE,
    LATIN,
    LETTER,
    LOOKS,
    NEWLINE,
    WIDE,
    Points,
    excerpt,
    text_of,
    touched,
)
from casemate.guard.views.letters import LATIN as ALPHABET
from casemate.guard.views.meter import MATCH, PASS
from casemate.guard.views.page import Page
from casemate.guard.views.types import Found

_FEWEST = 4
_FAR = 128
_SHARE = 5
"""One accented letter in so many of a line is more than European languages have."""
_PAIRS = 2
_KNOWN = 6
_CLAUSE = re.compile(r"[^\n.!?。！？:：;\"“”「」『』«»]+")


def accents(page: Page) -> Iterator[Found]:
    """Latin letters without their accents, if there are unusually many and words come of it."""
    if page.text.isascii():
        return
    latin = (page.flags & LATIN) > 0
    based = (page.symbols > 0) & (page.symbols <= len(ALPHABET)) & (page.codes >= _FAR)
    line = np.cumsum((page.flags & NEWLINE) > 0)
    many = np.bincount(line, based) * _SHARE >= np.maximum(1, np.bincount(line, latin))
    based &= many[line]
    if np.count_nonzero(based) < _FEWEST:
        return
    codes = np.where(based, page.symbols + (ord("a") - 1), page.codes).astype(np.uint32)
    gained = len(page.gains(excerpt(codes, latin & many[line])))
    if gained > 1:
        yield Found(("accents",), text_of(codes))


def look_alikes(page: Page) -> Iterator[Found]:
    """Text in letters of another script that look like Latin ones, where Latin words come of it."""
    if page.text.isascii():
        return
    alike = ((page.flags & (CYRILLIC | LOOKS)) > 0) & (FOLD_LOOSE[page.at] > 0)
    if np.count_nonzero(alike) < _FEWEST:
        return
    codes = np.where(alike, FOLD_LOOSE[page.at], page.codes).astype(np.uint32)
    letter = (page.flags & LETTER) > 0
    gained = page.gains(excerpt(codes, letter & ~touched(letter, letter & ~alike)))
    if sum(len(word) >= _FEWEST for word in gained) * _KNOWN >= len(page.words):
        yield Found(("look-alikes",), text_of(codes), hidden=True)


def wide_turned(page: Page) -> Iterator[Found]:
    """Han, kana or Hangul from right to left, told by pairs of signs; clause by clause."""
    wide = (page.flags & (WIDE | LETTER)) == (WIDE | LETTER)
    if np.count_nonzero(wide) < 2 * _FEWEST:
        return
    page.spend(2 * PASS)
    pairs = page.vocabulary.pairs
    backwards = frozenset(pair[::-1] for pair in pairs)
    here, there = (_held(page.codes, keys) for keys in page.vocabulary.pair_keys)
    if there < _PAIRS:
        return
    if there > 2 * here:
        yield Found(("reversed",), page.text[::-1], hidden=True)

    def turned(match: re.Match[str]) -> str:
        clause = match[0]
        page.spend(MATCH, 2 + len(clause) // 8)
        seen = set(map(str.__add__, clause, clause[1:]))
        told = len(seen & backwards)
        return clause[::-1] if told >= _PAIRS and told > 2 * len(seen & pairs) else clause

    text = _CLAUSE.sub(turned, page.text)
    if text != page.text:
        yield Found(("reversed",), text, hidden=True)


def _held(codes: Points, known: NDArray[np.uint64]) -> int:
    """How many pairs of neighbours are among those given."""
    keys = (codes[:-1].astype(np.uint64) << np.uint64(21)) | codes[1:]
    at = np.minimum(np.searchsorted(known, keys), known.size - 1)
    return int(np.count_nonzero(known[at] == keys))
