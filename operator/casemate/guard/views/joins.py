"""Words cut in pieces: letters spaced out, punctuation or markup inside words, strings added up."""

import re
from collections.abc import Iterator

import numpy as np

from casemate.guard.views.chars import (
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
    runs,
    text_of,
)
from casemate.guard.views.letters import PLAIN, SYMBOLS, forward, mean, stream
from casemate.guard.views.meter import PASS
from casemate.guard.views.page import Page
from casemate.guard.views.types import Found

_FEWEST = 4
"""Single letters in a row that are a word: fewer are initials."""
_SURE = 12
"""So many are a text whatever they spell: it may be enciphered."""
_WIDEST = 4
_KINDS = 3 * _WIDEST
_BETWEEN = [ord(one) for one in "-._·~^+*/|,:;=•‧‐‑‒–—…"]
_JOIN = 8
"""Half nats that a cut must explain: it is rarer than a space by so much."""
_CUT = 24
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


def _joined(page: Page, single: Index, chains: tuple[Index, Index, Index]) -> Points:
    """The text with the commonest gap of each chain removed and its other gaps as spaces."""
    starts, ends, kinds = chains
    lengths = ends - starts
    gaps = np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
    gaps += np.arange(lengths.sum())
    chain = np.repeat(np.arange(starts.size), lengths)
    counts = np.bincount(chain * _KINDS + kinds[gaps], minlength=starts.size * _KINDS)
    usual = counts.reshape(-1, _KINDS).argmax(axis=1)
    step = np.zeros(page.codes.size + 1, np.intp)
    step[single[gaps] + 1] += 1
    step[single[gaps + 1]] -= 1
    keep = np.cumsum(step[:-1]) == 0
    codes = page.codes.copy()
    spaces = single[gaps[kinds[gaps] != usual[chain]]] + 1
    keep[spaces] = True
    codes[spaces] = ord(" ")
    kept: Points = codes[keep]
    return kept


def spaced(page: Page) -> Iterator[Found]:
    """Letters spaced out: "k i l l", "k.i.l.l", one on a line."""
    single = _single(page)
    if single.size < _FEWEST:
        return
    chains = _chains(page, single)
    if not chains[0].size:
        return
    page.spend(PASS)
    text = text_of(_joined(page, single, chains))
    if _told(page, single, chains) or page.gains(text):
        yield Found(("spaced",), text)


def _told(page: Page, single: Index, chains: tuple[Index, Index, Index]) -> bool:
    """Whether the letters in chains are text by themselves: many, or likely, or Han and Hangul."""
    starts, ends, _ = chains
    inside = np.zeros(single.size + 1, np.intp)
    inside[starts] += 1
    inside[ends + 1] -= 1
    places = single[np.cumsum(inside[:-1]) > 0]
    flags = page.flags[places]
    letters = np.count_nonzero(flags & LETTER)
    if letters * 2 < places.size:
        return False
    if int((ends - starts).max()) + 1 >= _SURE or np.count_nonzero(flags & WIDE) * 2 > places.size:
        return True
    return bool(letters >= _FEWEST and mean(stream(page.symbols[places]).symbols) <= PLAIN - 2)


def _cuts(page: Page) -> Mask:
    """Punctuation between two letters, at most two signs."""
    letter = (page.flags & LETTER) > 0
    sign = np.isin(page.codes, _BETWEEN)
    alone = sign & before(letter) & after(letter)
    pair = sign & before(letter) & after(sign & after(letter))
    return alone | pair | before(pair)


def hyphened(page: Page) -> Iterator[Found]:
    """Punctuation inside words: "sur-veil", "cit.i.zens"."""
    cuts = _cuts(page)
    if not cuts.any():
        return
    text = text_of(page.codes[~cuts])
    if page.gains(text) or _explained(page, cuts) >= _CUT:
        yield Found(("hyphens",), text)


def _explained(page: Page, cuts: Mask) -> int:
    """How much likelier the words are without the cuts, where each alone is likelier."""
    whole = ((page.flags & LETTER) > 0) | cuts
    number = np.cumsum(whole & ~before(whole))
    cut = np.bincount(number, cuts)

    def costs(kept: Mask) -> Index:
        flow = stream(SYMBOLS[page.at[kept]])
        return np.bincount(
            number[kept][flow.at[:-1]], forward(flow.symbols), minlength=cut.size
        ).astype(np.intp)

    page.spend(2 * PASS)
    short = count(whole, *runs(whole)) <= _PART * (cut[1:] + 1) + cut[1:]
    gain = costs(np.ones(cuts.size, bool)) - costs(~cuts) - _JOIN * cut
    return int(gain[1:][(cut[1:] > 0) & (gain[1:] > 0) & short].sum())


_MARKUP = re.compile(
    r"(?<=[^\W\d_])(?:<!--[^<>]{0,100}-->|</?[A-Za-z][^<>]{0,100}>|[*_~`]|\{\}|\[\])++(?=[^\W\d_])"
)
_ADDED = re.compile(
    r"""(?<=[^\W\d_])["'`]\s{0,3}(?:[+&.,~]|\.\.|\|\|)?\s{0,3}\\?\s{0,3}["'`](?=[^\W\d_])"""
)


def _without(page: Page, pattern: re.Pattern[str], how: str) -> Iterator[Found]:
    """The text without what the pattern finds inside words, if words come of it."""
    text = pattern.sub("", page.text)
    if len(text) == len(page.text):
        return
    if not page.gains(text):
        step = np.zeros(page.codes.size + 1, np.intp)
        for match in pattern.finditer(page.text):
            step[match.start()] += 1
            step[match.end()] -= 1
        if _explained(page, np.cumsum(step[:-1]) > 0) < _CUT:
            return
    yield Found((how,), text)


def markup(page: Page) -> Iterator[Found]:
    """Tags, comments or emphasis inside words: "sur<b>veil</b>"."""
    if "<" in page.text or _EMPHASIS.search(page.text):
        yield from _without(page, _MARKUP, "markup")


def added(page: Page) -> Iterator[Found]:
    """Words in pieces that a program would join: "ki" + "ll"."""
    if _QUOTE.search(page.text):
        yield from _without(page, _ADDED, "joined-strings")


_EMPHASIS = re.compile(r"[*_~`{\[]")
_QUOTE = re.compile("[\"'`]")
