"""Letters in other dress: with accents that no language has, or of another script."""

from collections.abc import Iterator

import numpy as np

from casemate.guard.views.chars import (
    CYRILLIC,
    FOLD_LOOSE,
    LATIN,
    LOOKS,
    NEWLINE,
    excerpt,
    text_of,
    touched,
)
from casemate.guard.views.letters import LATIN as ALPHABET
from casemate.guard.views.page import Page
from casemate.guard.views.types import Found

_FEWEST = 4
_FAR = 128
_SHARE = 5
"""One accented letter in so many of a line is more than European languages have."""
_KNOWN = 6


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
    gained = page.gains(excerpt(codes, latin & many[line]))
    if sum(len(word) > _FEWEST for word in gained) > 1:
        yield Found(("accents",), text_of(codes))


def look_alikes(page: Page) -> Iterator[Found]:
    """Text in letters of another script that look like Latin ones, where Latin words come of it."""
    if page.text.isascii():
        return
    alike = ((page.flags & (CYRILLIC | LOOKS)) > 0) & (FOLD_LOOSE[page.at] > 0)
    if np.count_nonzero(alike) < _FEWEST:
        return
    codes = np.where(alike, FOLD_LOOSE[page.at], page.codes).astype(np.uint32)
    letter = page.letter
    gained = page.gains(excerpt(codes, letter & ~touched(letter, letter & ~alike)))
    if sum(len(word) >= _FEWEST for word in gained) * _KNOWN >= len(page.words):
        yield Found(("look-alikes",), text_of(codes), hidden=True)
