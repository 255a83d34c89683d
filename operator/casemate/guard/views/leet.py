"""Digits and symbols in the place of letters."""

from collections.abc import Iterator

import numpy as np

from casemate.guard.views.chars import (
    DIGIT,
    LETTER,
    Index,
    Mask,
    Points,
    after,
    index,
    runs,
    text_of,
)
from casemate.guard.views.ciphers import LEAST, SHIFTS
from casemate.guard.views.letters import (
    PLAIN,
    SYMBOLS,
    Symbols,
    backward,
    forward,
    stream,
    words,
)
from casemate.guard.views.page import Page
from casemate.guard.views.types import Found

_SIGNS = "0123456789@$!|€£¢¥₳฿₵₣₲₭₥₦₱₴₮₩§"
_LETTERS = "oizeasgtbgasilelcyabcfgkmnpstws"
_MEANT = dict(zip(_SIGNS, _LETTERS, strict=True))
_ENDS = "!|"
"""Symbols that close a word or stand between two far more often than they mean a letter."""
_TABLE = np.zeros(0x20000 + 17, np.uint8)
_TABLE[[ord(one) for one in _MEANT]] = [ord(one) for one in _MEANT.values()]
_SHORTEST = 3


def _inner(page: Page) -> tuple[Mask, Mask]:
    """Places that may mean a letter and have one behind them in the same word; and their words."""
    letter = (page.flags & LETTER) > 0
    sign = _TABLE[page.at] > 0
    closing = np.isin(page.codes, [ord(one) for one in _ENDS])
    firm = letter | (sign & ~closing)
    sign &= firm | (np.append(False, firm[:-1]) & np.append(firm[1:], False))
    word = letter | sign
    starts, ends = runs(word)
    lengths = ends - starts
    places = np.arange(page.codes.size)
    last = np.maximum.accumulate(np.where(letter, places, -1))
    # The last letter of a word, for each of its places: what comes behind it is a number or a mark.
    inside = sign[word] & (places[word] < np.repeat(last[ends - 1], lengths))
    count = np.concatenate(([0], np.cumsum(inside)))
    bounds = np.concatenate(([0], np.cumsum(lengths)))
    chosen = (count[bounds[1:]] > count[bounds[:-1]]) & (lengths >= _SHORTEST)
    digit = (page.flags & DIGIT) > 0
    chosen &= ~(digit & after(digit))[starts]  # a number with a unit
    words_of = np.zeros(word.size, bool)
    words_of[word] = np.repeat(chosen, lengths)
    return words_of & sign, words_of


def _ones(codes: Points, ones: Index) -> None:
    """Read each 1 as i or l, whichever is likelier between its neighbours; changes ``codes``."""
    flow = stream(SYMBOLS[index(codes)])
    where = np.searchsorted(flow.at, ones) + 1
    other = flow.symbols.copy()
    other[where] = SYMBOLS[ord("l")]
    here, there = forward(flow.symbols), forward(other)
    better = np.zeros(ones.size, np.intp)
    for at in (where - 2, where - 1, where):
        at = np.clip(at, 0, here.size - 1)
        better += here[at] - there[at]
    codes[ones[better > 0]] = ord("l")


def _likely(symbols: Symbols, at: Index, chosen: Mask) -> int:
    """Letters in those of the chosen words that are likely, as they are or enciphered."""
    starts, letters = words(symbols)
    mine = chosen[at[starts]] & (letters > _SHORTEST)
    best = 0
    for read in (symbols, SHIFTS[13][symbols]):
        for costs in (forward(read), backward(read)):
            likely = np.add.reduceat(costs, starts) <= (PLAIN - 1) * letters
            best = max(best, int(letters[mine & likely].sum()))
    return best


def leet(page: Page) -> Iterator[Found]:
    """Words with digits or symbols among their letters, such as surv3ill4nce."""
    if not (page.flags & DIGIT).any() and not (_TABLE[page.at] > 0).any():
        return
    signs, chosen = _inner(page)
    if not signs.any():
        return
    codes = np.where(signs, _TABLE[page.at], page.codes).astype(np.uint32)
    ones = np.flatnonzero(signs & (page.codes == ord("1")))
    if ones.size:
        _ones(codes, ones)
    text = text_of(codes)
    flow = stream(SYMBOLS[index(codes)])
    if _likely(flow.symbols, flow.at, chosen) >= LEAST or page.gains(text):
        yield Found(("leet",), text)
