"""Words that are spelled wrong on purpose: letters stretched, doubled or stirred."""

from collections.abc import Iterator

import numpy as np

from casemate.guard.views.chars import FLAGS, LETTER, Index, Mask, index, points, runs, text_of
from casemate.guard.views.clean import settled
from casemate.guard.views.meter import PASS
from casemate.guard.views.page import Page
from casemate.guard.views.pieces import placed
from casemate.guard.views.types import Found
from casemate.guard.views.vocabulary import LEAST, Vocabulary, letter_sums

_RUN = 3
_DOUBLED = 4


def stretched(page: Page) -> Iterator[Found]:
    """Letters three times and more in a row, or each letter of a word twice."""
    codes = page.codes
    letter = (page.flags & LETTER) > 0
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
    words_of = _stretched_words(letter, ~keep)
    if words_of.any():
        text = settled(text_of(codes[keep | ~words_of]))
        yield Found(("stretched",), _corrected(text, page.vocabulary))


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


def _near(word: str, meant: str) -> bool:
    """Whether a word may be a slip or a disguise of another: its ends stay or change places."""
    first = word[0] == meant[0] or word[:2] == meant[1::-1]
    return first and (word[-1] == meant[-1] or word[-2:] == meant[:-3:-1])


def _corrected(text: str, vocabulary: Vocabulary) -> str:
    """The text with known words put in the place of words of the same letters.

    The same in any order, or the same but for doubling.
    """
    sums, meant = vocabulary.spellings
    codes = points(text)
    letter = (FLAGS[index(codes)] & LETTER) > 0
    starts, ends = runs(letter)
    if not starts.size or not meant:
        return text
    values = np.where(letter, letter_sums(codes), np.uint64(0))
    single = values.copy()
    single[1:][codes[1:] == codes[:-1]] = 0
    pieces = []
    for each in (single, values):
        # Nothing between two words counts, so a sum from start to start is the word's.
        total = np.add.reduceat(each, starts)
        at = np.minimum(np.searchsorted(sums, total), sums.size - 1)
        hits = np.flatnonzero((sums[at] == total) & (ends - starts >= LEAST))
        bounds = zip(starts[hits].tolist(), ends[hits].tolist(), at[hits].tolist(), strict=True)
        pieces += [(start, end, meant[one]) for start, end, one in bounds]
    known = vocabulary.known
    changed = {
        (start, end): new
        for start, end, new in pieces
        if (word := text[start:end]) not in known and _near(word, new)
    }
    return placed(text, [(*span, new) for span, new in sorted(changed.items())])


def respelled(page: Page) -> Iterator[Found]:
    """Known words with letters exchanged, doubled or left single."""
    text = _corrected(page.canonical, page.vocabulary)
    if text is not page.canonical and text != page.canonical:
        yield Found(("respelled",), text)
