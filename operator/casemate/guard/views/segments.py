"""Where words end in letters that stand without spaces: by known words, else by letters' costs.

The cheapest division into words of at most 20 letters. It is searched in stretches that overlap,
all of them in step, so that a long text costs no loop over its letters.
"""

import numpy as np
from numpy.typing import NDArray

from casemate.guard.views.chars import Index, Mask, Points, index
from casemate.guard.views.letters import COSTS, SIZE, SYMBOLS
from casemate.guard.views.vocabulary import NUMBERS, Vocabulary

Floats = NDArray[np.float32]
Some = Index | int

LONGEST = 20
"""Letters of the longest word that is looked for."""
_STRETCH, _MARGIN = 64, 24
_KNOWN = 0.5
"""What a known word costs, beside an unknown one of the same letters."""
_WORDS = [ord(one) for one in "aioyàáéAIOYАВИКОСУЯавикосуя"]
_WORD, _ALONE = -2, 10
"""Half nats more for a word of one letter: one of those, or any other."""
_OTHER, _GAP = 8, 2
"""Half nats of a letter without figures, and more where a word begins."""
_ENDINGS = [ord(one) for one in "을를의은는이가에서로고해줘와과도한할라"]
_END = 4
"""Half nats less for what ends words of Korean, more for other letters without figures."""


def begins(codes: Points, first: Mask, known: Vocabulary) -> Mask:
    """Say which letters begin a word.

    Args:
        codes: Letters, nothing between them; at least one.
        first: Which of them begin one in any case; the first is among them.
        known: Words that are likelier than others.
    """
    costs = _costs(codes, known)
    number = np.cumsum(first)
    for more in range(1, min(LONGEST, codes.size)):
        costs[more, more:][number[more:] != number[:-more]] = np.inf
    starts = np.arange(-(-codes.size // _STRETCH)) * _STRETCH
    places = starts[:, None] + np.arange(-_MARGIN, _STRETCH + _MARGIN)
    inside = (places >= 0) & (places < codes.size)
    costs = costs[:, np.clip(places, 0, codes.size - 1)]
    costs[:, ~inside] = np.inf
    costs[0, ~inside] = 0.0
    chosen = _divided(costs.transpose(2, 0, 1))[_MARGIN : _MARGIN + _STRETCH]
    return chosen.T.reshape(-1)[: codes.size] | first


def _costs(codes: Points, known: Vocabulary) -> Floats:
    """Cost of a word of each length, less one, that ends with each letter."""
    at = index(codes)
    here = SYMBOLS[at].astype(np.intp)
    two, one = np.append([0, 0], here)[:-2], np.append(0, here)[:-1]

    def cost(third: Some, second: Some, first: Some, other: Some) -> Floats:
        some = COSTS[(third * SIZE + second) * SIZE + first].astype(np.float32)
        return np.where((here == 0) | (one == 0) & (second is one), other, some)

    inner, second = cost(two, one, here, _OTHER), cost(0, one, here, _OTHER)
    begin = cost(one, 0, here, _OTHER + _GAP)
    end = cost(one, here, 0, np.where(np.isin(codes, _ENDINGS), -_END, _END))
    total = np.cumsum(inner, dtype=np.float64)
    found = np.full((LONGEST, codes.size), np.inf, np.float32)
    alone = np.where(np.isin(codes, _WORDS), _WORD, _ALONE)
    found[0] = begin + cost(0, here, 0, _GAP) + alone.astype(np.float32)
    words = known.within(NUMBERS[at], LONGEST)
    for more in range(1, min(LONGEST, codes.size)):
        made = begin[:-more] + second[1 : codes.size - more + 1] + end[more:]
        made += (total[more:] - total[1 : codes.size - more + 1]).astype(np.float32)
        made[words[more]] *= _KNOWN
        found[more, more:] = made
    return found


def _divided(costs: Floats) -> Mask:
    """Which places begin a word, by stretch; costs are by end, length and stretch."""
    width, _, count = costs.shape
    best = np.zeros((width + 1, count), np.float32)
    length = np.zeros((width + 1, count), np.intp)
    for end in range(1, width + 1):
        most = min(LONGEST, end)
        ways = best[end - most : end][::-1] + costs[end - 1, :most]
        length[end] = ways.argmin(axis=0) + 1
        best[end] = ways.min(axis=0)
    chosen = np.zeros((width, count), bool)
    here, every = np.full(count, width), np.arange(count)
    while here.any():
        here = np.maximum(here - length[here, every], 0)
        chosen[here, every] = True
    return chosen
