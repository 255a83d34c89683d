"""Words that are spelled wrong on purpose: letters stretched, doubled or stirred."""

import re
from collections.abc import Iterator

import numpy as np

from casemate.guard.views.chars import (
    FLAGS,
    LETTER,
    Index,
    Mask,
    Points,
    count,
    excerpt,
    runs,
    spread,
    text_of,
)
from casemate.guard.views.meter import PASS
from casemate.guard.views.page import Page
from casemate.guard.views.pieces import placed
from casemate.guard.views.types import Found
from casemate.guard.views.vocabulary import LEAST, NUMBERS, Vocabulary, squeezed

_RUN = 3
_DOUBLED = 4
_LONG = 9
"""Letters of a word that may be known although it lacks one of two."""
_RARE = re.compile(r"([aihjkquvwxy])\1")
_TRIPLE = 2
"""Letters lost by one letter three times: compounds have that."""
_ROMAN = [ord(one) for one in "ivxlcdm"]


def stretched(page: Page) -> Iterator[Found]:
    """Letters three times and more in a row, or each letter of a word twice."""
    codes = page.codes
    letter = page.spelled
    same = letter[1:] & (codes[1:] == codes[:-1])
    if not (same[1:] & same[:-1]).any() and not (same[4:] & same[2:-2] & same[:-4]).any():
        return
    page.spend(PASS)
    first = np.append(True, ~same)
    starts = np.flatnonzero(first)
    lengths = np.diff(np.append(starts, codes.size))
    keep = np.ones(codes.size, bool)
    place = np.arange(codes.size) - np.repeat(starts, lengths)
    long = (lengths >= _RUN) & letter[starts]
    keep &= ~np.repeat(long, lengths) | (place == 0)
    pairs = _all_doubled(letter, starts, lengths)
    keep = np.where(pairs, place % 2 == 0, keep)
    if keep.all():
        return
    words_of = _stretched_words(codes, letter, ~keep)
    if words_of.any():
        kept = keep | ~words_of
        few = np.count_nonzero(~kept) <= _TRIPLE
        if few and not page.gains(excerpt(codes, words_of, ~keep)):
            return
        text = _corrected(text_of(codes[kept]), page.at[kept], page.vocabulary)
        yield Found(("stretched",), text)


def _stretched_words(codes: Points, letter: Mask, gone: Mask) -> Mask:
    """Words that lose letters and keep enough of them: not "www", "xxx" or Roman numerals."""
    starts, ends = runs(letter)
    lost = np.concatenate(([0], np.cumsum(gone)))
    left = (ends - starts) - (lost[ends] - lost[starts])
    number = count(np.isin(codes | ord(" "), _ROMAN), starts, ends) == ends - starts
    stretched = (lost[ends] > lost[starts]) & ~number
    least = _RUN - 1 if (stretched & (left >= _RUN)).any() else _RUN
    return spread(stretched & (left >= least), starts, ends, letter.size)


def _all_doubled(letter: Mask, starts: Index, lengths: Index) -> Mask:
    """Places in words where each letter stands an even number of times in a row."""
    begins, ends = runs(letter)
    odd = np.concatenate(([0], np.cumsum(lengths % 2)))
    first, last = np.searchsorted(starts, begins), np.searchsorted(starts, ends)
    even = (odd[first] == odd[last]) & (last - first >= _DOUBLED)
    mask = np.zeros(letter.size, bool)
    mask[letter] = np.repeat(even, ends - begins)
    return mask


def _swapped(word: str, meant: str) -> bool:
    """Whether a word becomes another one by exchanging neighbours."""
    at = 0
    while at < len(word):
        if word[at] != meant[at]:
            if word[at : at + 2] != meant[at : at + 2][::-1]:
                return False
            at += 1
        at += 1
    return True


def _near(word: str, meant: str) -> bool:
    """Whether a word is another one with neighbours exchanged, or letters doubled or single.

    Double letters count as a disguise where they are rare: others tell languages apart.
    """
    if len(word) == len(meant):
        return _swapped(word, meant)
    short, long = squeezed(word), squeezed(meant)
    if len(short) != len(long) or not _swapped(short, long):
        return False
    return (
        short != long
        or bool(_RARE.search(word))
        or len(meant) >= _LONG > len(meant) - len(word) > 0
    )


def _corrected(text: str, at: Index, vocabulary: Vocabulary) -> str:
    """The text with known words put in the place of words of the same letters.

    The same in any order, or the same but for doubling.
    """
    sums, meant = vocabulary.spellings
    starts, ends = runs((FLAGS[at] & LETTER) > 0)
    long = ends - starts >= LEAST
    if not meant or not long.any():
        return text
    values = np.where((FLAGS[at] & LETTER) > 0, NUMBERS[at], np.uint64(0))
    single = values.copy()
    single[1:][at[1:] == at[:-1]] = 0
    changed = {}
    for each in (single, values):
        # Nothing between two words counts, so a sum from start to start is the word's.
        total = np.add.reduceat(each, starts)
        place = np.minimum(np.searchsorted(sums, total), sums.size - 1)
        for hit in np.flatnonzero((sums[place] == total) & long).tolist():
            start, end, new = int(starts[hit]), int(ends[hit]), meant[place[hit]]
            word = text[start:end].lower()
            if word not in vocabulary.known and _near(word, new):
                changed[start, end] = new
    return placed(text, [(*span, new) for span, new in sorted(changed.items())])


def respelled(page: Page) -> Iterator[Found]:
    """Known words with letters exchanged, doubled or left single."""
    text = _corrected(page.text, page.at, page.vocabulary)
    if text != page.text:
        yield Found(("respelled",), text)
