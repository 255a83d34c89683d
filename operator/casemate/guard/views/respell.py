"""Words that are spelled wrong on purpose: letters stretched, doubled or stirred."""

import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from casemate.guard.views.chars import (
    FLAGS,
    LETTER,
    Index,
    Mask,
    Points,
    count,
    excerpt,
    index,
    points,
    runs,
    spread,
    sums,
    text_of,
)
from casemate.guard.views.letters import PLAIN, SYMBOLS, mean, stream
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
_LONGEST = 24
"""Longer ones are no words."""
_TRIPLE = 2
"""Letters lost by one letter three times: compounds have that."""
_ORDINARY, _LIKELIER = 3.9, 0.5
"""Half nats a letter of an ordinary word, and by which a word is likelier than another one."""
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
        words = excerpt(codes, words_of, ~keep)
        few = np.count_nonzero(~kept) <= _TRIPLE
        # Most of a text, if unlikely, may be enciphered.
        some = bool(2 * words.size < np.count_nonzero(letter))
        odd = some and mean(stream(SYMBOLS[index(words)]).symbols) > PLAIN
        if (few or odd) and not page.gains(words):
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
    return spread(stretched & (left >= least) & (left <= _LONGEST), starts, ends, letter.size)


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


@lru_cache(maxsize=4096)
def _meant(known: frozenset[str], word: str, other: str) -> bool:
    return word not in known and _near(word, other) and _unlikely(word, other)


def _unlikely(word: str, meant: str) -> bool:
    """Whether letters do not speak for a word: else it is one that is not known."""
    given, other = (mean(stream(SYMBOLS[index(points(one))]).symbols) for one in (word, meant))
    return given >= max(_ORDINARY, other - _LIKELIER)


def _corrected(text: str, at: Index, vocabulary: Vocabulary) -> str:
    """The text with known words put in the place of words of the same letters.

    The same in any order, or the same but for doubling.
    """
    spellings, meant = vocabulary.spellings
    starts, ends = runs((FLAGS[at] & LETTER) > 0)
    long = ends - starts >= LEAST
    if not meant or not long.any():
        return text
    values = NUMBERS[at]
    starts, ends = starts[long], ends[long]
    odd = ~vocabulary.knows(values, starts, ends)
    if not odd.any():
        return text
    starts, ends = starts[odd], ends[odd]
    single = values.copy()
    single[1:][at[1:] == at[:-1]] = 0
    changed = {}
    for each in (single, values):
        total = sums(each, starts, ends)
        place = np.minimum(spellings.searchsorted(total), spellings.size - 1)
        for hit in (spellings[place] == total).nonzero()[0].tolist():
            start, end, new = int(starts[hit]), int(ends[hit]), meant[place[hit]]
            word = text[start:end].lower()
            if _meant(vocabulary.known, word, new):
                changed[start, end] = new
    return placed(text, [(*span, new) for span, new in sorted(changed.items())])


def respelled(page: Page) -> Iterator[Found]:
    """Known words with letters exchanged, doubled or left single."""
    text = _corrected(page.text, page.at, page.vocabulary)
    if text != page.text:
        yield Found(("respelled",), text)
