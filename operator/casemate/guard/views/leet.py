"""Digits and symbols in the place of letters."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from casemate.guard.views.chars import (
    B64,
    CUT,
    DIGIT,
    Index,
    Mask,
    Points,
    after,
    before,
    count,
    excerpt,
    index,
    runs,
    spread,
    text_of,
)
from casemate.guard.views.ciphers import SHIFTS
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
from casemate.guard.views.regions import LEAST
from casemate.guard.views.types import Found

_SIGNS = "0123456789@$!€£¢¥₳฿₵₣₲₭₥₦₱₴₮₩§"
_LETTERS = "oizeasgtbgasielcyabcfgkmnpstws"
_MEANT = dict(zip(_SIGNS, _LETTERS, strict=True))
_END = "!"
"""It closes a word far more often than it means a letter."""
_TABLE = np.zeros(0x20000 + 17, np.uint8)
_TABLE[[ord(one) for one in _MEANT]] = [ord(one) for one in _MEANT.values()]
_SHORTEST = 3
_NAME = 4
_LONGEST = 24
_MANY = 2
"""Letters of words with several signs, for each sign of the text, where numbers are signs too."""
_HEX = [ord(one) for one in "0123456789abcdefABCDEF"]
"""Longer words behind a sign are names of variables and people."""


class _Words(NamedTuple):
    """Where a text has signs that may mean letters.

    Attributes:
        every: All signs, also of numbers.
        signs: The signs, in words that have a letter.
        inner: Those with a letter behind them: others may be a number or a mark.
        told: The words that have such.
        telling: Those of them that are no hexadecimal numbers.
        several: Those of these that have inner signs in more than one place.
    """

    every: Mask
    signs: Mask
    inner: Mask
    told: Mask
    telling: Mask
    several: Mask


def _words(page: Page) -> _Words | None:
    letter = page.letter
    sign = _TABLE[page.at] > 0
    closing = page.codes == ord(_END)
    firm = letter | (sign & ~closing)
    sign &= firm | (before(firm) & after(firm))
    if not (sign & after(letter)).any():
        return None
    starts, ends = runs(letter | sign)
    last = np.maximum.accumulate(np.where(letter, np.arange(letter.size), -1))[ends - 1]
    inner = count(sign, starts, np.maximum(last, starts))
    usable = (last >= starts) & ~_named(page, starts, ends, inner) & ~_blobs(page)[starts]
    told = usable & (inner > 0) & (ends - starts >= _SHORTEST)
    groups = count(sign & ~before(sign), starts, np.maximum(last, starts))
    cross = np.append((page.codes | ord(" ")) == ord("x"), False)[starts + 1]
    hexa = count(np.isin(page.codes, _HEX), starts, ends) + cross
    telling = told & (hexa < ends - starts)
    return _Words(
        sign,
        sign & spread(usable, starts, ends, letter.size),
        sign & spread(told, starts, np.maximum(last, starts), letter.size),
        spread(told, starts, ends, letter.size),
        spread(telling, starts, ends, letter.size),
        spread(telling & (groups > 1), starts, ends, letter.size),
    )


def _blobs(page: Page) -> Mask:
    """Places in stretches too long for a word, such as base64 has."""
    body = ((page.flags & B64) > 0) & ((page.flags & CUT) == 0)
    body |= (page.codes == ord("+")) | (page.codes == ord("/"))
    starts, ends = runs(body)
    return spread(ends - starts > _LONGEST, starts, ends, body.size)


def _named(page: Page, starts: Index, ends: Index, inner: Index) -> Mask:
    """Words that are a number with its unit, an address, or the name of a person or a variable."""
    digit = np.append((page.flags & DIGIT) > 0, False)
    letter = np.append(page.letter, [False, False])
    sigil = np.append((page.codes == ord("@")) | (page.codes == ord("$")), False)
    number = digit[starts] & digit[starts + 1]
    host = np.append(page.codes == ord("."), False)[ends] & letter[ends + 1]
    address = host & (count(sigil[:-1], starts, ends) > 0)
    name = sigil[starts] & (inner == 1) & (ends - starts > _NAME)
    found: Mask = name | number | address
    return found


def _ones(codes: Points, ones: Index) -> None:
    """Read each 1 as i or l, whichever is likelier between its neighbours; changes ``codes``."""
    flow = stream(SYMBOLS[index(codes)])
    where = np.searchsorted(flow.at, ones) + 1
    other = flow.symbols.copy()
    other[where] = SYMBOLS[ord("l")]
    here, there = forward(flow.symbols), forward(other)
    better = np.zeros(ones.size, np.intp)
    for back in range(3):
        at = np.clip(where - back, 0, here.size - 1)
        better += here[at] - there[at]
    codes[ones[better > 0]] = ord("l")


def _likely(symbols: Symbols) -> bool:
    """Whether enough letters, and most, are of likely words, as they are or enciphered."""
    starts, letters = words(symbols)
    best = 0
    for read in (symbols, SHIFTS[13][symbols]):
        for costs in (forward(read), backward(read)):
            likely = np.add.reduceat(costs, starts) <= (PLAIN - 1) * letters
            best = max(best, int(letters[likely & (letters > _SHORTEST)].sum()))
    return best >= LEAST and best * 2 >= int(letters.sum())


def _read(page: Page, signs: Mask) -> Points:
    codes = np.where(signs, _TABLE[page.at], page.codes).astype(np.uint32)
    ones = np.flatnonzero(signs & (page.codes == ord("1")))
    if ones.size:
        _ones(codes, ones)
    return codes


def leet(page: Page) -> Iterator[Found]:
    """Words with digits or symbols among their letters, such as surv3ill4nce.

    A single sign is ordinary in names (md5sum, ipv6, log4j), so words with several must tell, or
    words that are known.
    """
    found = _words(page)
    if found is None or not found.inner.any():
        return
    page.spend(PASS)
    codes = _read(page, found.every)
    some = excerpt(codes, found.several)
    if some.size and _likely(stream(SYMBOLS[index(some)]).symbols):
        many = np.count_nonzero(found.several) * _MANY >= np.count_nonzero(found.every)
        some = codes if many else np.where(found.signs & found.told, codes, page.codes)
        yield Found(("leet",), text_of(some))
        return
    only = np.where(found.inner, codes, page.codes)
    if any(len(word) > _SHORTEST for word in page.gains(excerpt(only, found.telling))):
        yield Found(("leet",), text_of(np.where(found.signs & found.told, codes, page.codes)))
