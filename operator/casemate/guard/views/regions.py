"""Where in a text another reading of its letters is the likelier one.

A reading counts where, over some words of together 12 letters or more, it is likelier by far than
the text as given, and likely in itself.
"""

from typing import NamedTuple

import numpy as np

from casemate.guard.views.chars import (
    BREAK,
    LETTER,
    Flags,
    Index,
    Mask,
    after,
    before,
    count,
    runs,
    spread,
)
from casemate.guard.views.letters import PLAIN, Costs, Stream, words

LEAST = 12
"""Fewest letters that letters' frequencies can judge."""
GAIN = 20
"""Half nats by which a reading must be likelier over such a stretch. Of plain stretches, in eight
languages and in source code, less than one in a thousand is so much likelier read backwards, of
turned ones nine in ten."""
GAIN_OF_MANY = 36
"""The same for readings that are one of many."""
_MORE = 6
"""And more, over all of a stretch."""
_LIKELY = 7.2
"""Half nats a letter that such a stretch stays below."""
_FLUENT = 6.5
"""Half nats a letter that a whole text stays below."""
_SHORT = 2
WHOLE = 0.6
"""From this share of a text's letters on, all of it is taken to be enciphered."""


class Flow(NamedTuple):
    """The letters of a text, or of some of its words, as words.

    Attributes:
        stream: The letters.
        starts: Where words start among the letters' costs.
        letters: How many letters each has.
        first: Words from which a window of letters enough can be made.
        last: The ends of these windows.
        total: Letters before each word, and in all.
        joined: Whether a word follows the one before it in the text as well.
    """

    stream: Stream
    starts: Index
    letters: Index
    first: Index
    last: Index
    total: Index
    joined: Mask

    def sums(self, costs: Costs) -> Index:
        """Costs before each word, and in all."""
        return _running(np.add.reduceat(costs, self.starts))


def flow_of(stream: Stream, joined: Mask | None = None) -> Flow:
    """The words of a stream of at least one letter."""
    starts, letters = words(stream.symbols)
    total = _running(letters)
    ends = total.searchsorted(total[:-1] + LEAST)
    valid = ends <= starts.size
    joined = np.ones(starts.size, bool) if joined is None else joined
    return Flow(stream, starts, letters, valid.nonzero()[0], ends[valid], total, joined)


def _running(numbers: Index) -> Index:
    total = np.zeros(numbers.size + 1, np.intp)
    numbers.cumsum(out=total[1:])
    return total


def implausible(flow: Flow, given: Costs) -> Mask:
    """Which words stand in a stretch that is no language as it is."""
    cost = flow.sums(given)
    over = cost[flow.last] - cost[flow.first] > PLAIN * _letters(flow)
    return _covered(flow.first[over], flow.last[over], flow.starts.size)


def part(flow: Flow, chosen: Mask) -> Flow:
    """Some of the words."""
    symbols, at = flow.stream
    inside = np.flatnonzero(np.repeat(chosen, flow.letters + 1))
    places = np.append(at[inside[1:] - 1], at[inside[-1]])
    stream = Stream(np.append(symbols[inside], np.uint8(0)), places)
    return flow_of(stream, before(chosen)[chosen] & flow.joined[chosen])


def _letters(flow: Flow) -> Index:
    return flow.total[flow.last] - flow.total[flow.first]


def _covered(first: Index, last: Index, size: int) -> Mask:
    step = np.bincount(first, minlength=size + 1) - np.bincount(last, minlength=size + 1)
    return np.cumsum(step[:-1]) > 0


def _grown(core: Mask, better: Mask) -> Mask:
    """The core and the words beside it that gain as well."""
    return spread(count(core, *(bounds := runs(core | better))) > 0, *bounds, core.size)


def _stretches(flow: Flow, gain: Index, cost: Index, hot: Mask, least: int) -> tuple[Index, Index]:
    """First and last word of each stretch that gains enough."""
    better = (np.diff(gain) > 0) | (flow.letters <= _SHORT)
    core = _covered(flow.first[hot], flow.last[hot], flow.starts.size) & better
    covered = _grown(core, better)
    begins = np.flatnonzero(covered & ~(before(covered) & flow.joined))
    ends = np.flatnonzero(covered & ~(after(covered) & after(flow.joined)))
    letters = flow.total[ends + 1] - flow.total[begins]
    sure = gain[ends + 1] - gain[begins] >= least + _MORE
    sure &= cost[ends + 1] - cost[begins] <= _LIKELY * letters
    return begins[sure], ends[sure]


def region(flow: Flow, flags: Flags, given: Costs, read: Costs, least: int = GAIN) -> Mask | None:
    """Which characters to read otherwise: from the first to the last letter of each stretch.

    All, if it is most of the text; None, if it is nowhere.
    """
    gain = flow.sums(given - read)
    hot = gain[flow.last] - gain[flow.first] >= least
    if not hot.any() and not _gains_in_all(flow, gain):
        return None  # as nearly always
    cost = flow.sums(read)
    limit = PLAIN if least == GAIN else PLAIN - 1
    hot &= cost[flow.last] - cost[flow.first] <= limit * _letters(flow)
    letters = int(np.count_nonzero((flags & LETTER) > 0))
    if _likelier_in_all(flow, gain, cost, letters):
        return np.ones(flags.size, bool)
    begins, ends = _stretches(flow, gain, cost, hot, least) if hot.any() else (flow.first[:0],) * 2
    if not begins.size:
        return None
    if (flow.total[ends + 1] - flow.total[begins]).sum() >= WHOLE * letters:
        return np.ones(flags.size, bool)
    at = flow.stream.at
    last = at[flow.starts[ends] + flow.letters[ends] - 1] + 1
    every = np.ones(begins.size, bool)
    return _to_sentences(spread(every, at[flow.starts[begins]], last, flags.size), flags)


def _to_sentences(mask: Mask, flags: Flags) -> Mask:
    """The mask, over all of each sentence or quotation that is mostly under it."""
    stop = (flags & BREAK) > 0
    sentence = np.cumsum(stop)
    letter = (flags & LETTER) > 0
    share = WHOLE * np.maximum(1, np.bincount(sentence, letter))
    mostly = np.bincount(sentence, mask & letter) >= share
    return mask | (mostly[sentence] & ~stop)


def _likelier_in_all(flow: Flow, gain: Index, cost: Index, letters: int) -> bool:
    """Whether the reading is the likelier one over the whole text, if not in any short stretch."""
    mine = flow.total[-1]
    enough = mine >= max(LEAST, WHOLE * letters) and _gains_in_all(flow, gain)
    return bool(enough and cost[-1] <= _FLUENT * mine)


def _gains_in_all(flow: Flow, gain: Index) -> bool:
    return bool(gain[-1] >= max(GAIN, flow.total[-1] / 2))
