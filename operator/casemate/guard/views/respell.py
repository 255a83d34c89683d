"""Words that are spelled wrong on purpose: letters stretched, doubled or stirred."""

import re
from collections.abc import Callable, Iterator

import numpy as np

from casemate.guard.views.chars import FLAGS, LETTER, Index, Mask, index, points, runs, text_of
from casemate.guard.views.page import Page
from casemate.guard.views.types import Found
from casemate.guard.views.vocabulary import LEAST, letter_sums, squeezed

_WORD = re.compile(r"[^\W\d_]{5,}")
_RUN = 3
_DOUBLED = 4
_MOVED = 4


def exchanged(text: str, known: Callable[[str], str | None]) -> str:
    """The text with some of its words replaced."""
    return _WORD.sub(lambda match: known(match[0]) or match[0], text)


def stretched(page: Page) -> Iterator[Found]:
    """Letters three times and more in a row, or each letter of a word twice."""
    codes = page.codes
    letter = (page.flags & LETTER) > 0
    same = letter[1:] & (codes[1:] == codes[:-1])
    if np.count_nonzero(same) < 2:
        return
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
    words_of = _stretched_words(letter, ~keep)
    if words_of.any():
        text = text_of(codes[keep | ~words_of])
        yield Found(("stretched",), exchanged(text.lower(), _spelled(page)))


def _stretched_words(letter: Mask, gone: Mask) -> Mask:
    """Words that lose letters and keep enough of them: not "www", "xxx" or Roman numerals."""
    starts, ends = runs(letter)
    lost = np.concatenate(([0], np.cumsum(gone)))
    left = (ends - starts) - (lost[ends] - lost[starts])
    mask = np.zeros(letter.size, bool)
    mask[letter] = np.repeat((lost[ends] > lost[starts]) & (left >= _RUN), ends - starts)
    return mask


def _all_doubled(letter: Mask, starts: Index, lengths: Index) -> Mask:
    """Places in words where each letter stands an even number of times in a row."""
    begins, ends = runs(letter)
    odd = np.concatenate(([0], np.cumsum(lengths % 2)))
    first, last = np.searchsorted(starts, begins), np.searchsorted(starts, ends)
    even = (odd[first] == odd[last]) & (last - first >= _DOUBLED)
    mask = np.zeros(letter.size, bool)
    mask[letter] = np.repeat(even, ends - begins)
    return mask


def _spelled(page: Page) -> Callable[[str], str | None]:
    """What a word should be, if a known one has the same letters, or the same but for doubling."""
    sums, meant = page.vocabulary.spellings
    known = page.vocabulary.known

    def spelled(word: str) -> str | None:
        if word in known or not meant:
            return None
        for tried in (word, squeezed(word)):
            value = letter_sums(points(tried)).sum()
            at = int(np.searchsorted(sums, value))
            if at < len(meant) and sums[at] == value and _near(word, meant[at]):
                return meant[at]
        return None

    return spelled


def _near(word: str, meant: str) -> bool:
    """Whether a word may be a slip or a disguise of another: the same ends, or few letters moved."""
    if word[0] == meant[0] and word[-1] == meant[-1]:
        return True
    moved = sum(one != other for one, other in zip(word, meant, strict=False))
    return moved <= (_MOVED if word[0] == meant[0] else 2)


def _candidates(page: Page) -> set[str]:
    """Words whose letters, in any order, are those of a known word."""
    sums = page.vocabulary.spellings[0]
    codes = points(page.canonical)
    letter = (FLAGS[index(codes)] & LETTER) > 0
    starts, ends = runs(letter)
    values = np.where(letter, letter_sums(codes), np.uint64(0))
    single = values.copy()
    single[1:][codes[1:] == codes[:-1]] = 0
    hit = np.zeros(starts.size, bool)
    for each in (values, single) if starts.size else ():
        # A sum per word: from its start to the next one's, with nothing in between that counts.
        total = np.add.reduceat(each, starts)
        hit |= sums[np.minimum(np.searchsorted(sums, total), sums.size - 1)] == total
    hit &= ends - starts >= LEAST
    bounds = zip(starts[hit].tolist(), ends[hit].tolist(), strict=True)
    return {page.canonical[start:end] for start, end in bounds}


def respelled(page: Page) -> Iterator[Found]:
    """Known words with letters exchanged, doubled or left single."""
    if not page.vocabulary.spellings[1]:
        return
    spelled = _spelled(page)
    change = {word: new for word in _candidates(page) if (new := spelled(word))}
    if change:
        yield Found(("respelled",), exchanged(page.canonical, change.get))
