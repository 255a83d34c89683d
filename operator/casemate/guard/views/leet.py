"""Digits and symbols in the place of letters."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from casemate.guard.views.chars import (
    DIGIT,
    LETTER,
    Index,
    Mask,
    Points,
    after,
    before,
    count,
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
from casemate.guard.views.meter import PASS
from casemate.guard.views.page import Page
from casemate.guard.views.types import Found

_SIGNS = "0123456789@$!€£¢¥₳฿₵₣₲₭₥₦₱₴₮₩§"
_LETTERS = "oizeasgtbgasielcyabcfgkmnpstws"
_MEANT = dict(zip(_SIGNS, _LETTERS, strict=True))
_ENDS = "!"
"""Symbols that close a word or stand between two far more often than they mean a letter."""
_TABLE = np.zeros(0x20000 + 17, np.uint8)
_TABLE[[ord(one) for one in _MEANT]] = [ord(one) for one in _MEANT.values()]
_SHORTEST = 3
_NAME = 4
"""Longer words behind a sign are names of variables and people."""


class _Words(NamedTuple):
    """Where a text has signs that may mean letters.

    Attributes:
        signs: The signs, in words that have a letter.
        inner: Those with a letter behind them: others may be a number or a mark.
        several: Words with an inner sign and another one.
    """

    signs: Mask
    inner: Mask
    several: Mask


def _words(page: Page) -> _Words | None:
    letter = (page.flags & LETTER) > 0
    sign = _TABLE[page.at] > 0
    closing = np.isin(page.codes, [ord(one) for one in _ENDS])
    firm = letter | (sign & ~closing)
    sign &= firm | (before(firm) & after(firm))
    starts, ends = runs(letter | sign)
    if not sign.any():
        return None
    last = np.maximum.accumulate(np.where(letter, np.arange(letter.size), -1))[ends - 1]
    inner = count(sign, starts, np.maximum(last, starts))
    usable = (last >= starts) & ~_named(page, starts, ends, inner)
    told = usable & (inner > 0) & (ends - starts >= _SHORTEST)
    several = told & (count(sign & ~before(sign), starts, ends) > 1)
    return _Words(
        sign & _spread(usable, starts, ends, letter.size),
        sign & _spread(told, starts, np.maximum(last, starts), letter.size),
        _spread(several, starts, ends, letter.size),
    )


def _spread(chosen: Mask, starts: Index, ends: Index, size: int) -> Mask:
    """The places of the chosen stretches."""
    step = np.bincount(starts[chosen], minlength=size + 1)
    return np.cumsum(step - np.bincount(ends[chosen], minlength=size + 1))[:-1] > 0


def _named(page: Page, starts: Index, ends: Index, inner: Index) -> Mask:
    """Words that are a number with its unit, an address, or the name of a person or a variable."""
    digit = np.append((page.flags & DIGIT) > 0, False)
    letter = np.append((page.flags & LETTER) > 0, [False, False])
    sigil = np.append(np.isin(page.codes, [ord("@"), ord("$")]), False)
    number = digit[starts] & digit[starts + 1]
    host = np.append(page.codes == ord("."), False)[ends] & letter[ends + 1]
    address = host & (count(sigil[:-1], starts, ends) > 0)
    named: Mask = number | address | (sigil[starts] & (inner == 1) & (ends - starts > _NAME))
    return named


def _ones(codes: Points, ones: Index) -> None:
    """Read each 1 as i or l, whichever is likelier between its neighbours; changes ``codes``."""
    flow = stream(SYMBOLS[index(codes)])
    where = np.searchsorted(flow.at, ones) + 1
    other = flow.symbols.copy()
    other[where] = SYMBOLS[ord("l")]
    here, there = forward(flow.symbols), forward(other)
    better = np.zeros(ones.size, np.intp)
    for place in (where - 2, where - 1, where):
        at = np.clip(place, 0, here.size - 1)
        better += here[at] - there[at]
    codes[ones[better > 0]] = ord("l")


def _likely(symbols: Symbols, at: Index, many: Mask) -> int:
    """Letters of those words that are likely, as they are or enciphered, with signs in two places.

    A single sign is ordinary in names: md5sum, ipv6, log4j.
    """
    starts, letters = words(symbols)
    mine = many[at[starts]] & (letters > _SHORTEST)
    best = 0
    for read in (symbols, SHIFTS[13][symbols]):
        for costs in (forward(read), backward(read)):
            likely = np.add.reduceat(costs, starts) <= (PLAIN - 1) * letters
            best = max(best, int(letters[mine & likely].sum()))
    return best


def _read(page: Page, signs: Mask) -> Points:
    codes = np.where(signs, _TABLE[page.at], page.codes).astype(np.uint32)
    ones = np.flatnonzero(signs & (page.codes == ord("1")))
    if ones.size:
        _ones(codes, ones)
    return codes


def leet(page: Page) -> Iterator[Found]:
    """Words with digits or symbols among their letters, such as surv3ill4nce."""
    found = _words(page)
    if not found or not found.inner.any():
        return
    page.spend(3 * PASS)
    codes = _read(page, found.signs)
    flow = stream(SYMBOLS[index(codes)])
    if _likely(flow.symbols, flow.at, found.several) < LEAST:
        gained = page.gains(text_of(_read(page, found.inner)))
        if not any(len(word) > _SHORTEST for word in gained):
            return
    yield Found(("leet",), text_of(codes))
