"""Letters spaced out, of which words are made again."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from casemate.guard.views import segments
from casemate.guard.views.chains import FEWEST, KINDS, Chains
from casemate.guard.views.chars import (
    DIGIT,
    FLAGS,
    LETTER,
    WIDE,
    Index,
    Mask,
    Points,
    count,
    excerpt,
    index,
    runs,
    spread,
    text_of,
)
from casemate.guard.views.letters import PLAIN, SYMBOLS, UNKNOWN, forward, stream
from casemate.guard.views.meter import PASS
from casemate.guard.views.page import Page
from casemate.guard.views.types import Found

_SURE = 12
"""So many letters are a text whatever they spell: it may be enciphered."""
_DIGITS = 12
"""One letter in so many is enough for a code in digits, which tables of numbers have not."""
_EVEN = 0.6
"""Share of gaps that are of one kind where letters were spaced out; programs' are of many."""
_WIDE = 6
"""Han and Hangul have words of one sign, but seldom so many in a row."""
_WORD = 12
"""Letters a word, on average, that are too many where gaps tell the words."""
_ONE = 6
"""Fewer letters are one word, and tell nothing by their order."""
_FLUENT = 7.6
"""Half nats a letter of a language, at most, once its words are told."""
_SEARCH = 400
"""Cost of a letter whose word is searched."""


class _Gaps(NamedTuple):
    """What stands between the letters of chains.

    Attributes:
        at: Number of the letter before each.
        chain: Number of its chain.
        odd: Whether it is of another kind than most of its chain.
        even: By chain, whether most are of one kind.
    """

    at: Index
    chain: Index
    odd: Mask
    even: Mask


class _Joined(NamedTuple):
    """The text with chains closed, and which of it is from chains that do not tell words."""

    codes: Points
    untold: Mask


def _gaps(chains: Chains) -> _Gaps:
    lengths = chains.ends - chains.starts
    at = np.repeat(chains.starts - np.append(0, np.cumsum(lengths)[:-1]), lengths)
    at += np.arange(lengths.sum())
    chain = np.repeat(np.arange(lengths.size), lengths)
    kinds = chains.kinds[at]
    counts = np.bincount(chain * KINDS + kinds, minlength=lengths.size * KINDS)
    counts = counts.reshape(-1, KINDS)
    even = counts.max(axis=1) >= _EVEN * lengths
    return _Gaps(at, chain, (kinds != counts.argmax(axis=1)[chain]) & even[chain], even)


def _joined(page: Page, chains: Chains, gaps: _Gaps, chosen: Mask) -> tuple[_Joined, Points]:
    """Take out the usual gaps of the chosen chains; others become a space.

    Returns:
        The text, and the words of these chains alone.
    """
    single, starts, ends = chains.single, chains.starts, chains.ends
    size = page.codes.size
    gone = spread(chosen[gaps.chain], single[gaps.at] + 1, single[gaps.at + 1], size)
    odd = gaps.at[gaps.odd & chosen[gaps.chain]]
    codes = page.codes.copy()
    gone[single[odd] + 1] = False
    codes[single[odd] + 1] = ord(" ")
    told = np.bincount(gaps.chain, gaps.odd, starts.size)
    untold = chosen & ((told == 0) | ((told + 1) * _WORD < ends - starts))
    wordless = spread(untold, single[starts], single[ends] + 1, size)
    inside = spread(chosen, single[starts], single[ends] + 1, size)
    return _Joined(codes[~gone], wordless[~gone]), excerpt(codes, inside, gone)


def spaced(page: Page) -> Iterator[Found]:
    """Letters spaced out: "k i l l", "k.i.l.l", one on a line."""
    chains = page.chains
    if not chains.starts.size:
        return
    page.spend(PASS)
    gaps = _gaps(chains)
    chosen = _told(page, chains, gaps)
    if not chosen.all():
        _, words = _joined(page, chains, gaps, gaps.even & ~chosen)
        chosen |= gaps.even & bool(page.gains(words))
    if not chosen.any():
        return
    joined, _ = _joined(page, chains, gaps, chosen)
    there, back = _divided(page, joined)
    yield Found(("spaced",), text_of(there), instead=True)
    if back is not None:
        yield Found(("spaced", "reversed"), text_of(back), hidden=True)


def _told(page: Page, chains: Chains, gaps: _Gaps) -> Mask:
    """Which chains are text by themselves: long, or likely, or Han and Hangul."""
    size = chains.ends - chains.starts + 1
    at = np.append(gaps.at, chains.ends)
    chain = np.append(gaps.chain, np.arange(size.size))
    order = np.lexsort((at, chain))
    places, chain = chains.single[at[order]], chain[order]
    flags = page.flags[places]
    letters, wide = (
        np.bincount(chain, (flags & kind) > 0, minlength=size.size) for kind in (LETTER, WIDE)
    )
    firsts = np.flatnonzero(np.diff(chain, prepend=-1))
    costs, known = _costs(page.codes[places], firsts, chain)
    different = _different(page.codes[places], chain, size.size)
    cost = np.where(known > 0, costs / np.maximum(known, 1), UNKNOWN)
    long = (size >= _SURE) & (different < size - 1) & (letters * 2 >= size)
    code = (size >= 2 * _SURE) & (letters * _DIGITS >= size) & (letters * 2 < size)
    likely = (cost <= PLAIN - 2) & (known >= _ONE)
    many = (wide * 2 > size) & (size >= _WIDE)
    rough = (cost <= PLAIN - 1) & (size >= _SURE)
    told = np.where(gaps.even, long | code | likely | many, rough)
    # There are shorter ones in a text of nothing else.
    return told | ((size < FEWEST) & told.any())


def _different(codes: Points, chain: Index, size: int) -> Index:
    """How many different letters each chain has; parameters in programs are all different."""
    keys = np.unique((chain.astype(np.int64) << 21) | (codes | ord(" ")))
    return np.bincount(keys >> 21, minlength=size).astype(np.intp)


def _divided(page: Page, joined: _Joined) -> tuple[Points, Points | None]:
    """The text with spaces between the words of what has no gaps, as far as it is a language.

    And the same from its end, if that is the likelier direction.
    """
    stretches = _stretches(joined)
    letters = int((stretches[1] - stretches[0]).sum())
    if not letters:
        return joined.codes, None
    page.spend(2 * _SEARCH, letters)
    there, cost = _spelled(page, joined.codes, stretches)
    size = joined.codes.size
    turned = size - stretches[1][::-1], size - stretches[0][::-1]
    back, other = _spelled(page, joined.codes[::-1], turned)
    return (there, None) if cost <= other else (joined.codes, back)


def _stretches(joined: _Joined) -> tuple[Index, Index]:
    """Starts and ends of words that may be several."""
    flags = FLAGS[index(joined.codes)]
    starts, ends = runs((flags & (LETTER | DIGIT)) > 0)
    fit = (count((flags & DIGIT) > 0, starts, ends) == 0) & (ends - starts >= _ONE)
    fit &= joined.untold[starts]
    return starts[fit], ends[fit]


def _spelled(page: Page, codes: Points, stretches: tuple[Index, Index]) -> tuple[Points, int]:
    """The text with some stretches divided into words, where that makes them likely; their cost."""
    inside = spread(np.ones(stretches[0].size, bool), *stretches, codes.size)
    places = np.flatnonzero(inside)
    heads = np.isin(places, stretches[0])
    begin = segments.begins(codes[places], heads, page.vocabulary)
    number = np.cumsum(heads) - 1
    costs, letters = _costs(codes[places], np.flatnonzero(begin), number)
    likely = costs <= _FLUENT * letters
    inner = places[begin & ~heads & likely[number]]
    return np.insert(codes, inner, ord(" ")), int(costs.sum())


def _costs(codes: Points, firsts: Index, number: Index) -> tuple[Index, Index]:
    """What stretches, by number, cost with words that begin there; their letters with figures."""
    flow = stream(SYMBOLS[index(np.insert(codes, firsts, ord(" ")))])
    owner = np.insert(number, firsts, number[firsts])[flow.at[:-1]]
    costs = np.bincount(owner, forward(flow.symbols), minlength=number[-1] + 1)
    return costs.astype(np.intp), np.bincount(number, SYMBOLS[index(codes)] > 0).astype(np.intp)
