"""Letters in other dress: with accents that no language has, or of another script throughout."""

import re
from collections.abc import Iterator

import numpy as np

from casemate.guard.views.chars import CYRILLIC, FOLD_LOOSE, LATIN, LETTER, LOOKS, WIDE, text_of
from casemate.guard.views.letters import LATIN as ALPHABET
from casemate.guard.views.meter import PASS
from casemate.guard.views.page import Page
from casemate.guard.views.types import Found

_FEWEST = 4
_SHARE = 8
"""One accented letter in so many is more than European languages have."""
_PAIRS = 2
_KNOWN = 6
_CLAUSE = re.compile(r"[^\n.!?。！？:：;\"“”「」『』«»]+")


def accents(page: Page) -> Iterator[Found]:
    """Latin letters without their accents, if there are unusually many and words come of it."""
    if page.text.isascii():
        return
    latin = (page.flags & LATIN) > 0
    based = (page.symbols > 0) & (page.symbols <= len(ALPHABET)) & (page.codes >= 128)
    number = np.count_nonzero(based)
    if number < _FEWEST or number * _SHARE < np.count_nonzero(latin):
        return
    text = text_of(np.where(based, page.symbols + (ord("a") - 1), page.codes).astype(np.uint32))
    gained = len(page.gains(text))
    if gained > 1 and gained * _KNOWN >= len(page.words):
        yield Found(("accents",), text)


def look_alikes(page: Page) -> Iterator[Found]:
    """Text in letters of another script that look like Latin ones, where Latin words come of it."""
    if page.text.isascii():
        return
    alike = ((page.flags & (CYRILLIC | LOOKS)) > 0) & (FOLD_LOOSE[page.at] > 0)
    if np.count_nonzero(alike) < _FEWEST:
        return
    text = text_of(np.where(alike, FOLD_LOOSE[page.at], page.codes).astype(np.uint32))
    if page.gains(text):
        yield Found(("look-alikes",), text, hidden=True)


def wide_turned(page: Page) -> Iterator[Found]:
    """Han, kana or Hangul from right to left, told by pairs of signs; clause by clause."""
    wide = (page.flags & (WIDE | LETTER)) == (WIDE | LETTER)
    if np.count_nonzero(wide) < 2 * _FEWEST:
        return
    page.spend(2 * PASS)
    pairs = page.vocabulary.pairs
    backwards = frozenset(pair[::-1] for pair in pairs)

    def seen(clause: str) -> tuple[int, int]:
        found = set(map(str.__add__, clause, clause[1:]))
        return len(found & backwards), len(found & pairs)

    def turned(clause: str) -> str:
        there, here = seen(clause) if len(clause) >= _FEWEST else (0, 0)
        return clause[::-1] if there >= _PAIRS and there > 2 * here else clause

    there, here = seen(page.text)
    if there < _PAIRS:
        return
    if there > 2 * here:
        yield Found(("reversed",), page.text[::-1], hidden=True)
    text = _CLAUSE.sub(lambda match: turned(match[0]), page.text)
    if text != page.text:
        yield Found(("reversed",), text, hidden=True)
