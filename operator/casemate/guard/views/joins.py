"""Words cut in pieces: letters spaced out, punctuation or markup inside words, strings added up."""

import re
from collections.abc import Iterator

import numpy as np

from casemate.guard.views.chars import (
    CUT,
    DIGIT,
    LETTER,
    NEWLINE,
    SPACE,
    WIDE,
    Index,
    Mask,
    Points,
    after,
    before,
    count,
    excerpt,
    runs,
    spread,
    text_of,
    touched,
)
from casemate.guard.views.letters import PLAIN, forward, mean, stream
from casemate.guard.views.meter import MATCH, PASS
from casemate.guard.views.page import Page
from casemate.guard.views.types import Found

_FEWEST = 4
"""Single letters in a row that are a word: fewer are initials."""
_SURE = 12
"""So many are a text whatever they spell: it may be enciphered."""
_DIGITS = 12
"""One letter in so many is enough for a code in digits, which tables of numbers have not."""
_WIDEST = 4
_KINDS = 3 * _WIDEST
_JOIN = 8
"""Half nats that a cut must explain: it is rarer than a space by so much."""
_CUT = 24
_OFTEN, _LONG, _SHORT = 12, 5, 3.0
"""Cuts; letters a word, as words without cuts have; letters a piece, as no words have."""
_PART = 4
"""Letters a piece, on average, at most: longer ones are words."""


def _single(page: Page) -> Index:
    """Places of letters and digits that stand alone."""
    unit = (page.flags & (LETTER | DIGIT)) > 0
    return np.flatnonzero(unit & ~before(unit) & ~after(unit))


def _chains(page: Page, single: Index) -> tuple[Index, Index, Index]:
    """Chains of single letters: first and last of each among ``single``, and all gaps' kinds.

    A gap's kind is its width, and whether it is spaces, line breaks or has anything else.
    """
    blank = np.concatenate(([0], np.cumsum((page.flags & (SPACE | NEWLINE)) > 0)))
    lines = np.concatenate(([0], np.cumsum((page.flags & NEWLINE) > 0)))
    unit = np.concatenate(([0], np.cumsum((page.flags & (LETTER | DIGIT)) > 0)))
    left, right = single[:-1] + 1, single[1:]
    width = right - left
    linked = (width <= _WIDEST) & (unit[right] == unit[left])
    spaces = blank[right] - blank[left] == width
    broken = lines[right] > lines[left]
    kinds = np.where(spaces, np.where(broken, 1, 0), 2) * _WIDEST + np.minimum(width, _WIDEST) - 1
    starts, ends = runs(linked)
    enough = ends - starts >= _FEWEST - 1
    return starts[enough], ends[enough], kinds


def _joined(page: Page, single: Index, chains: tuple[Index, Index, Index]) -> tuple[Points, Mask]:
    """The text with spaces for the unusual gaps of each chain, and the places of its usual ones."""
    starts, ends, kinds = chains
    lengths = ends - starts
    gaps = np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
    gaps += np.arange(lengths.sum())
    chain = np.repeat(np.arange(starts.size), lengths)
    counts = np.bincount(chain * _KINDS + kinds[gaps], minlength=starts.size * _KINDS)
    usual = counts.reshape(-1, _KINDS).argmax(axis=1)
    every = np.ones(gaps.size, bool)
    gone = spread(every, single[gaps] + 1, single[gaps + 1], page.codes.size)
    codes = page.codes.copy()
    spaces = single[gaps[kinds[gaps] != usual[chain]]] + 1
    gone[spaces] = False
    codes[spaces] = ord(" ")
    return codes, gone


def spaced(page: Page) -> Iterator[Found]:
    """Letters spaced out: "k i l l", "k.i.l.l", one on a line."""
    single = _single(page)
    if single.size < _FEWEST:
        return
    chains = _chains(page, single)
    starts, ends, _ = chains
    if not starts.size:
        return
    page.spend(PASS)
    codes, gone = _joined(page, single, chains)
    every = np.ones(starts.size, bool)
    part = spread(every, single[starts], single[ends] + 1, codes.size)
    if _told(page, single, chains) or page.gains(excerpt(codes, part, gone)):
        yield Found(("spaced",), text_of(codes[~gone]))


def _told(page: Page, single: Index, chains: tuple[Index, Index, Index]) -> bool:
    """Whether the letters in chains are text by themselves: many, or likely, or Han and Hangul."""
    starts, ends, _ = chains
    inside = np.zeros(single.size + 1, np.intp)
    inside[starts] += 1
    inside[ends + 1] -= 1
    places = single[np.cumsum(inside[:-1]) > 0]
    flags = page.flags[places]
    letters = int(np.count_nonzero(flags & LETTER))
    longest = int((ends - starts).max()) + 1
    if letters * 2 < places.size:
        return longest >= 2 * _SURE and letters * _DIGITS >= places.size
    if longest >= _SURE or np.count_nonzero(flags & WIDE) * 2 > places.size:
        return True
    return letters >= _FEWEST and mean(stream(page.symbols[places]).symbols) <= PLAIN - 2


def _cuts(page: Page) -> Mask:
    """Punctuation between two letters, at most two signs."""
    letter = (page.flags & LETTER) > 0
    sign = (page.flags & CUT) > 0
    alone = sign & before(letter) & after(letter)
    pair = sign & before(letter) & after(sign & after(letter))
    return alone | pair | before(pair)


def _without(page: Page, cuts: Mask, how: str) -> Iterator[Found]:
    """The text without what cuts words, where words come of it."""
    words = touched(((page.flags & LETTER) > 0) | cuts, cuts)
    some = excerpt(page.codes, words, cuts)
    gain, chosen = _explained(page, words, cuts)
    known = page.gains(some)
    if known - _prefixed(page, words, cuts):
        chosen |= [word in known for word in text_of(some).lower().split()]
    elif _dense(words, cuts):
        chosen[:] = True
    elif gain < _CUT:
        return
    starts, ends = runs(words)
    gone = cuts & spread(chosen, starts, ends, cuts.size)
    yield Found((how,), text_of(page.codes[~gone]))


def _prefixed(page: Page, words: Mask, cuts: Mask) -> set[str]:
    """Words that a single letter was cut from, as in e-mail and x-ray."""
    starts, ends = runs(words)
    once = count(cuts, starts, ends) == 1
    once &= np.append(cuts, False)[starts + 1] | cuts[ends - 2]
    some = excerpt(page.codes, spread(once, starts, ends, cuts.size), cuts)
    return set(text_of(some).lower().split())


def _dense(words: Mask, cuts: Mask) -> bool:
    """Whether there are so many cuts that words are hidden, whatever they are."""
    starts, _ = runs(words)
    number, letters = np.count_nonzero(cuts), np.count_nonzero(words & ~cuts)
    pieces = starts.size + np.count_nonzero(cuts & ~before(cuts))
    long = letters >= _LONG * starts.size
    return bool(number >= _OFTEN and long and letters <= _SHORT * pieces)


def _explained(page: Page, words: Mask, cuts: Mask) -> tuple[int, Mask]:
    """How much likelier words are without the cuts, and which of them are."""
    number = np.cumsum(words & ~before(words))
    cut = np.bincount(number, words & cuts).astype(np.intp)
    edge = after(words) & ~words
    symbols = np.where(words & ~cuts, page.symbols, 0)
    page.spend(2 * PASS, int(np.count_nonzero(words)))

    def costs(kept: Mask) -> Index:
        flow = stream(symbols[kept | edge])
        each = forward(flow.symbols)
        owner = number[kept | edge][flow.at[:-1]]
        return np.bincount(owner, each, minlength=cut.size).astype(np.intp)

    letters = np.bincount(number, words & ~cuts)
    gain = costs(words) - costs(words & ~cuts) - _JOIN * cut
    better = (gain > 0) & (letters <= _PART * (cut + 1)) & (letters >= _LONG)
    return int(gain[1:][better[1:]].sum()), better[1:]


def hyphened(page: Page) -> Iterator[Found]:
    """Punctuation inside words: "sur-veil", "cit.i.zens"."""
    cuts = _cuts(page)
    if cuts.any():
        yield from _without(page, cuts, "hyphens")


# Each begins with its first sign and looks back from there, as most places have no such sign.
_MARKUP = re.compile(
    r"(?:<(?<=[^\W\d_]<)(?:!--[^<>]{0,100}--|/?[A-Za-z][^<>]{0,100})>|[*_~`](?<=[^\W\d_].)"
    r"|\{(?<=[^\W\d_]\{)\}|\[(?<=[^\W\d_]\[)\])"
    r"(?:<!--[^<>]{0,100}-->|</?[A-Za-z][^<>]{0,100}>|[*_~`]|\{\}|\[\])*+(?=[^\W\d_])"
)
_ADDED = re.compile(
    r"""["'`](?<=[^\W\d_].)\s{0,3}(?:[+&.,~]|\.\.|\|\|)?\s{0,3}\\?\s{0,3}["'`](?=[^\W\d_])"""
)


def _matched(page: Page, pattern: re.Pattern[str]) -> Mask:
    spans = [match.span() for match in pattern.finditer(page.text)]
    page.spend(MATCH, len(spans))
    bounds = np.array(spans, np.intp).reshape(-1, 2)
    return spread(np.ones(len(spans), bool), bounds[:, 0], bounds[:, 1], page.codes.size)


def markup(page: Page) -> Iterator[Found]:
    """Tags, comments or emphasis inside words: "sur<b>veil</b>"."""
    cuts = _matched(page, _MARKUP)
    if cuts.any():
        yield from _without(page, cuts, "markup")


def added(page: Page) -> Iterator[Found]:
    """Words in pieces that a program would join: "ki" + "ll"."""
    cuts = _matched(page, _ADDED)
    if cuts.any():
        yield from _without(page, cuts, "joined-strings")
