"""Ciphers that keep letters letters: turned round, shifted, mirrored in the alphabet.

No mark tells them, so letters must: a reading counts where, over some words of together 12 letters
or more, it is likelier by far than the text as given, and likely in itself. So a single enciphered
sentence is found among plain ones, and plain text costs two look-ups a letter.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from casemate.guard.views.chars import BREAK, LETTER, Flags, Index, Mask, Points, runs, text_of
from casemate.guard.views.letters import (
    LATIN,
    PLAIN,
    Costs,
    Stream,
    Symbols,
    backward,
    forward,
    words,
)
from casemate.guard.views.meter import PASS
from casemate.guard.views.page import Page
from casemate.guard.views.pieces import exchanged
from casemate.guard.views.types import Found

LEAST = 12
"""Fewest letters that letters' frequencies can judge."""
_GAIN = 20
"""Half nats by which a reading must be likelier over such a stretch. Of plain stretches, in eight
languages and in source code, less than one in a thousand is so much likelier read backwards, of
turned ones nine in ten."""
_MORE = 6
"""And more, over all of a stretch."""
_GAIN_OF_MANY = 36
"""The same for readings that are one of many."""
_FLUENT = 6.5
"""Half nats a letter that a whole text stays below."""
_SHORT = 2
_WHOLE = 0.6
"""From this share of a text's letters on, all of it is taken to be enciphered."""
_ROT13 = 13


class Region(NamedTuple):
    """Where a text is enciphered.

    Attributes:
        mask: The characters, from the first to the last letter of each stretch.
        whole: Whether they are most of the text.
    """

    mask: Mask
    whole: bool


def _windows(starts: Index, letters: Index) -> tuple[Index, Index, Index]:
    """For each word, the end of the shortest window from it that has letters enough."""
    total = np.concatenate(([0], np.cumsum(letters)))
    ends = np.searchsorted(total, total[:-1] + LEAST)
    valid = ends <= starts.size
    first = np.flatnonzero(valid)
    return first, ends[valid], total


def _sums(costs: Costs, starts: Index) -> Index:
    return np.concatenate(([0], np.cumsum(np.add.reduceat(costs, starts)))).astype(np.intp)


def implausible(flow: Stream, given: Costs) -> Mask:
    """Which words stand in a stretch that is no language as it is."""
    starts, letters = words(flow.symbols)
    first, last, total = _windows(starts, letters)
    cost = _sums(given, starts)
    hot = cost[last] - cost[first] > PLAIN * (total[last] - total[first])
    return _covered(first[hot], last[hot], starts.size)


def _covered(first: Index, last: Index, size: int) -> Mask:
    step = np.bincount(first, minlength=size + 1) - np.bincount(last, minlength=size + 1)
    return np.cumsum(step[:-1]) > 0


def _grown(core: Mask, better: Mask) -> Mask:
    """The core and the words beside it that gain as well."""
    starts, ends = runs(core | better)
    held = np.concatenate(([0], np.cumsum(core)))
    out = np.zeros(core.size, bool)
    out[core | better] = np.repeat(held[ends] > held[starts], ends - starts)
    return out


def region(page: Page, given: Costs, read: Costs, least: int = _GAIN) -> Region | None:
    """Where a reading of a text's letters is the likelier one; None if nowhere."""
    flow, size = page.stream, page.codes.size
    starts, letters = words(flow.symbols)
    first, last, total = _windows(starts, letters)
    gain, cost = _sums(given - read, starts), _sums(read, starts)
    hot = gain[last] - gain[first] >= least
    limit = PLAIN if least == _GAIN else PLAIN - 1
    hot &= cost[last] - cost[first] <= limit * (total[last] - total[first])
    whole = _likelier_in_all(gain, cost, total)
    if not hot.any() and not whole:
        return None
    better = (np.diff(gain) > 0) | (letters <= _SHORT)
    covered = _grown(_covered(first[hot], last[hot], starts.size) & better, better)
    begins, ends = runs(covered)
    sure = gain[ends] - gain[begins] >= least + _MORE
    begins, ends = begins[sure], ends[sure]
    if not begins.size and not whole:
        return None
    share = (total[ends] - total[begins]).sum() / total[-1]
    if whole or share >= _WHOLE:
        return Region(np.ones(size, bool), whole=True)
    ends -= 1
    left = np.bincount(flow.at[starts[begins]], minlength=size + 1)
    right = np.bincount(flow.at[starts[ends] + letters[ends]], minlength=size + 1)
    mask = np.cumsum((left - right)[:-1]) > 0
    return Region(_to_sentences(mask, page.flags), whole=False)


def _to_sentences(mask: Mask, flags: Flags) -> Mask:
    """The mask, over all of each sentence or quotation that is mostly under it."""
    stop = (flags & BREAK) > 0
    sentence = np.cumsum(stop)
    letter = (flags & LETTER) > 0
    under = np.bincount(sentence, mask & letter)
    return mask | (
        (under >= _WHOLE * np.maximum(1, np.bincount(sentence, letter)))[sentence] & ~stop
    )


def _likelier_in_all(gain: Index, cost: Index, total: Index) -> bool:
    """Whether the reading is the likelier one over the whole text, if not in any short stretch."""
    letters = total[-1]
    enough = gain[-1] >= max(_GAIN, letters / 2)
    return bool(letters >= LEAST and enough and cost[-1] <= _FLUENT * letters)


def _turned(codes: Points, mask: Mask) -> Points:
    """The stretches of the mask, each read from its end."""
    starts, ends = runs(mask)
    places = np.flatnonzero(mask)
    out = codes.copy()
    out[places] = codes[np.repeat(starts + ends - 1, ends - starts) - places]
    return out


def turned(page: Page) -> Iterator[Found]:
    """Text that was written from right to left: as a whole, or each word."""
    flow = page.stream
    if flow.letters < LEAST:
        return
    found = region(page, forward(flow.symbols), backward(flow.symbols))
    if not found:
        yield from _by_word(page, "reversed-words", page.vocabulary.turned)
        return
    mask = found.mask
    yield Found(("reversed",), text_of(_turned(page.codes, mask)), hidden=True)
    letter = (page.flags & LETTER) > 0
    yield Found(("reversed-words",), text_of(_turned(page.codes, mask & letter)), hidden=True)


def _permutation(order: list[int]) -> Symbols:
    table = np.arange(256, dtype=np.uint8)
    table[1 : len(LATIN) + 1] = [1 + at for at in order]
    return table


SHIFTS = [_permutation([(at + by) % 26 for at in range(26)]) for by in range(26)]
_MIRROR = _permutation([25 - at for at in range(26)])


def translated(codes: Points, order: Symbols, mask: Mask) -> Points:
    """Code points with the ASCII letters under the mask exchanged."""
    table = np.arange(128, dtype=np.uint32)
    for first in (65, 97):
        table[first : first + 26] = order[1:27].astype(np.uint32) - 1 + first
    chosen = mask & (codes < table.size)
    out = codes.copy()
    out[chosen] = table[codes[chosen]]
    return out


def _shifts(symbols: Symbols) -> list[int]:
    """The shifts that make letters' counts most like a language's, and 13."""
    counts = np.bincount(symbols, minlength=27)[1:27]
    likely = [int(_USUAL @ np.roll(counts, by)) for by in range(26)]
    best = sorted(range(1, 26), key=lambda by: -likely[by])[:1]
    return [_ROT13, *(by for by in best if by != _ROT13)]


_USUAL = np.array(
    [
        80,
        12,
        33,
        39,
        124,
        20,
        20,
        46,
        73,
        2,
        8,
        43,
        26,
        71,
        75,
        21,
        2,
        65,
        68,
        87,
        31,
        11,
        19,
        2,
        17,
        2,
    ]
)
"""How many of a thousand letters of English are each."""


def _likelier(symbols: Symbols) -> Costs:
    """Costs in the direction that suits better: a text may be turned round as well."""
    return min(forward(symbols), backward(symbols), key=lambda costs: int(costs.sum()))


def _shifted(page: Page, given: Costs, odd: Mask) -> Iterator[Found]:
    page.spend(2 * PASS)
    symbols = page.stream.symbols
    inside = np.repeat(odd, words(symbols)[1] + 1)
    orders = [("atbash", _MIRROR)]
    orders += [_shift(by) for by in _shifts(symbols[:-1][inside])]
    reads = [(name, order, _likelier(order[symbols])) for name, order in orders]
    for name, order, costs in sorted(reads, key=lambda read: int(read[2].sum())):
        found = region(page, given, costs, _GAIN if name == "rot13" else _GAIN_OF_MANY)
        if found:
            text = text_of(translated(page.codes, order, found.mask))
            yield Found((name,), text, hidden=True)
            if found.whole:
                return


def _shift(by: int) -> tuple[str, Symbols]:
    return "rot13" if by == _ROT13 else "caesar", SHIFTS[by]


def shifted(page: Page) -> Iterator[Found]:
    """Latin letters moved along the alphabet (rot13 and others) or mirrored in it."""
    flow = page.stream
    if flow.letters < LEAST:
        return
    given = _likelier(flow.symbols)
    odd = implausible(flow, given)
    done = list(_shifted(page, given, odd)) if odd.any() else []
    yield from done or _by_word(page, "rot13", page.vocabulary.rotated)


def _by_word(page: Page, how: str, table: dict[str, str]) -> Iterator[Found]:
    """Single known words, too short for letters to tell."""
    if not page.words.isdisjoint(table.keys()):
        yield Found((how,), exchanged(page.canonical, table.get))
