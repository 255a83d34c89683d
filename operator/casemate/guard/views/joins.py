"""Words cut in pieces: punctuation or markup inside words, strings added up."""

import re
from collections.abc import Iterator

import numpy as np

from casemate.guard.views.chars import (
    CUT,
    DIGIT,
    Index,
    Mask,
    after,
    before,
    count,
    excerpt,
    runs,
    spread,
    text_of,
    touched,
)
from casemate.guard.views.letters import forward, stream
from casemate.guard.views.meter import MATCH, PASS
from casemate.guard.views.page import Page
from casemate.guard.views.types import Found
from casemate.guard.views.vocabulary import NUMBERS

_JOIN = 8
"""Half nats that a cut must explain: it is rarer than a space by so much."""
_CUT = 24
_OFTEN, _LONG, _SHORT = 12, 5, 3.0
"""Cuts; letters a word, as words without cuts have; letters a piece, as no words have."""
_PART = 4
"""Letters a piece, on average, at most: longer ones are words."""


def _cuts(page: Page) -> Mask:
    """Punctuation between two letters, at most two signs."""
    letter = page.letter
    sign = (page.flags & CUT) > 0
    if not (sign & before(letter) & after(letter | sign)).any():
        return np.zeros(sign.size, bool)
    alone = sign & before(letter) & after(letter)
    pair = sign & before(letter) & after(sign & after(letter))
    return alone | pair | before(pair)


def _without(page: Page, cuts: Mask, how: str) -> Iterator[Found]:
    """The text without what cuts words, where words come of it."""
    words = touched(page.letter | cuts, cuts)
    some = excerpt(page.codes, words, cuts)
    gain, chosen = _explained(page, words, cuts)
    known = page.gains(some)
    if known - _prefixed(page, words, cuts):
        # By single spaces: the end of a tag around letters spaced out may be left, with no letter.
        read = text_of(some).lower().split(" ")[-chosen.size :]
        chosen |= [word in known for word in read]
    elif _dense(page, words, cuts):
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


def _dense(page: Page, words: Mask, cuts: Mask) -> bool:
    """Whether there are so many cuts that words are hidden, whatever they are.

    Words with digits beside them are numbers and names.
    """
    digit = (page.flags & DIGIT) > 0
    words = words & ~touched(words | digit, digit) if digit.any() else words
    cuts = cuts & words
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
    sums = np.zeros(cut.size, np.uint64)
    np.add.at(sums, number[words & ~cuts], NUMBERS[page.at[words & ~cuts]])
    _, first = np.unique(sums[better], return_index=True)  # a word is evidence once
    return int(gain[better][first].sum()), better[1:]


def hyphened(page: Page) -> Iterator[Found]:
    """Punctuation inside words: "sur-veil", "cit.i.zens"."""
    cuts = _cuts(page)
    if cuts.any() and (cuts := cuts & ~page.chains.inside).any():
        yield from _without(page, cuts, "hyphens")


# Each begins with its first sign and looks back from there, as most places have no such sign.
_MARKUP = re.compile(
    r"(?:<(?<=[^\W\d_]<)(?:!--[^<>]{0,100}--|/?[A-Za-z][^<>]{0,100})>|[*_~`](?<=[^\W\d_].)"
    r"|\{(?<=[^\W\d_]\{)\}|\[(?<=[^\W\d_]\[)\])"
    r"(?:<!--[^<>]{0,100}-->|</?[A-Za-z][^<>]{0,100}>|[*_~`]|\{\}|\[\])*+(?=[^\W\d_])"
)
_SIGNS = re.compile(r"[<*_~`{\[]")
_ADDED = re.compile(
    r"""["'`](?<=[^\W\d_].)\s{0,3}(?:[+&.,~]|\.\.|\|\|)?\s{0,3}\\?\s{0,3}["'`](?=[^\W\d_])"""
)


def _matched(page: Page, pattern: re.Pattern[str]) -> Mask:
    spans = [match.span() for match in pattern.finditer(page.text)]
    if not spans:
        return np.zeros(page.codes.size, bool)
    page.spend(MATCH, len(spans))
    bounds = np.array(spans, np.intp).reshape(-1, 2)
    return spread(np.ones(len(spans), bool), bounds[:, 0], bounds[:, 1], page.codes.size)


def markup(page: Page) -> Iterator[Found]:
    """Tags, comments or emphasis inside words: "sur<b>veil</b>"."""
    if not _SIGNS.search(page.text):
        return
    cuts = _matched(page, _MARKUP) & ~page.chains.inside
    if cuts.any():
        yield from _without(page, cuts, "markup")


def added(page: Page) -> Iterator[Found]:
    """Words in pieces that a program would join: "ki" + "ll"."""
    cuts = _matched(page, _ADDED)
    if cuts.any():
        yield from _without(page, cuts, "joined-strings")
