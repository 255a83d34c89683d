"""What is new in one text beside another: a reading is searched where it differs, and around that.

Both texts are cut where their letters say so, at the same places in either; pieces that the other
text has as well were searched there.
"""

import re
from itertools import pairwise

import numpy as np

from casemate.guard.views.chars import index, points
from casemate.guard.views.vocabulary import NUMBERS

_LEAST = 48
"""Characters of a piece, at least: what hides in fewer must not be found in pieces elsewhere."""
_WINDOW = 8
"""Characters that decide on a cut behind them."""
_RARE = np.uint64(64 - 5)
"""One place in 32 is one where a cut may be."""
_AROUND = 32
"""Characters before and behind what is new; words are kept whole."""
_SPACE = re.compile(r"\s")


def new_in(text: str, old: str) -> str:
    """The stretches of a text that the old one has not, with what is around them, as lines."""
    known = set(_pieces(old))
    parts: list[str] = []
    begin = end = place = 0
    for piece in _pieces(text):
        place += len(piece)
        if piece in known:
            continue
        start = _word_start(text, max(0, place - len(piece) - _AROUND))
        if start > end or not end:
            parts.append(text[begin:end])
            begin = start
        end = max(end, _word_end(text, place + _AROUND))
    return "\n".join([*parts, text[begin:end]][1:])


def _pieces(text: str) -> list[str]:
    """The text in pieces; what a text shares with another is mostly cut at the same places."""
    total = np.cumsum(NUMBERS[index(points(text))], dtype=np.uint64)
    cuts = np.flatnonzero((total[_WINDOW:] - total[:-_WINDOW]) >> _RARE == 0) + _WINDOW + 1
    places = [0]
    for cut in cuts.tolist():
        if cut - places[-1] >= _LEAST:
            places.append(cut)
    places.append(len(text))
    return [text[start:end] for start, end in pairwise(places)]


def _word_start(text: str, place: int) -> int:
    return max(text.rfind(" ", 0, place), text.rfind("\n", 0, place)) + 1


def _word_end(text: str, place: int) -> int:
    found = _SPACE.search(text, place)
    return found.start() if found else len(text)
