"""Whether an enciphered stretch that letters' frequencies suspect is one: words must bear it out.

Letters alone are wrong once in a thousand stretches, and a long document has thousands. A word that
stands there many times is evidence once.
"""

import numpy as np

from casemate.guard.views.chars import FLAGS, LETTER, Index, Mask, Points, index, runs, sums
from casemate.guard.views.letters import SYMBOLS, backward, forward, stream
from casemate.guard.views.page import Page
from casemate.guard.views.vocabulary import NUMBERS, Vocabulary

_MANY = 30
"""So many letters of different words tell by themselves."""
_GAIN = 0.5
"""Half nats a letter by which they must be likelier than as given."""
_LIKELY, _MORE = 6.8, 0.35
"""Half nats a letter that they stay below, and more for what they gain: words may be in pieces."""
_KNOWN, _LEAST = 0.25, 6
"""Share of letters in known words, and number of them, that tells of fewer letters or of others."""
_FEW = 0.1
"""Share of them that a part of a text has at least, as all of it is judged in a few languages."""
_SHORT = 3
"""Letters of a word that counts as known."""


def borne_out(page: Page, codes: Points, mask: Mask, *, turned: bool = False) -> bool:
    """Say whether another reading of the characters under the mask has words.

    Args:
        page: The text as given.
        codes: The reading, in the same places.
        mask: Where it differs.
        turned: Whether the reading is the same letters from their end; others may also have to be
            read from there.
    """
    starts, ends = _distinct(page, mask)
    letters = int((ends - starts).sum())
    if not letters:
        return False
    given, read = (_words(one, starts, ends) for one in (page.codes, codes))
    before, known = (_known(page.vocabulary, one, turned=turned) for one in (given, read))
    if known < before or (known < _FEW * letters and not mask.all()):
        return False
    if letters >= _MANY:
        cost = _cost(read, turned=turned)
        gain = _cost(given, turned=turned) - cost
        if gain >= _GAIN * letters and cost <= _LIKELY * letters + _MORE * gain:
            return True
    return known >= max(_LEAST, _KNOWN * letters) and known > before


def _distinct(page: Page, mask: Mask) -> tuple[Index, Index]:
    """Starts and ends of the different words under the mask."""
    starts, ends = runs(mask & page.letter)
    _, first = np.unique(sums(NUMBERS[page.at], starts, ends), return_index=True)
    return starts[first], ends[first]


def _words(codes: Points, starts: Index, ends: Index) -> Points:
    """The words, with a space between two."""
    lengths = ends - starts
    places = np.repeat(starts - np.append(0, np.cumsum(lengths)[:-1]), lengths)
    places += np.arange(lengths.sum())
    return np.insert(codes[places], np.cumsum(lengths)[:-1], ord(" "))


def _cost(codes: Points, *, turned: bool) -> int:
    symbols = stream(SYMBOLS[index(codes)]).symbols
    there = int(forward(symbols).sum())
    return there if turned else min(there, int(backward(symbols).sum()))


def _known(vocabulary: Vocabulary, codes: Points, *, turned: bool) -> int:
    """Letters in known words, in the direction that has more if there may be two."""
    at = index(codes)
    starts, ends = runs((FLAGS[at] & LETTER) > 0)
    known = vocabulary.knows(NUMBERS[at], starts, ends) & (ends - starts >= _SHORT)
    there = int((ends - starts)[known].sum())
    return there if turned else max(there, _known(vocabulary, codes[::-1], turned=True))
