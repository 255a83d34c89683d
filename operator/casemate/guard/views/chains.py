"""Letters and digits that stand alone and follow one another, as in "k i l l" and "k.i.l.l"."""

from typing import NamedTuple

import numpy as np

from casemate.guard.views.chars import (
    DIGIT,
    LETTER,
    NEWLINE,
    SPACE,
    Flags,
    Index,
    Mask,
    after,
    before,
    runs,
    spread,
)

FEWEST = 4
"""Single letters in a row that are a word: fewer are initials."""
_WIDEST = 6
"""Characters between two letters of one text, such as a comma with three spaces behind it."""
KINDS = 3 * _WIDEST


class Chains(NamedTuple):
    """Letters and digits that stand alone, and where they follow one another.

    Attributes:
        single: Their places.
        starts: First of each chain among them.
        ends: Last of each.
        kinds: What follows each, below ``KINDS``: the width of the gap, and whether it is spaces,
            line breaks or has anything else.
        inside: The places of chains in the text.
    """

    single: Index
    starts: Index
    ends: Index
    kinds: Index
    inside: Mask


def chains_of(flags: Flags) -> Chains:
    """The chains of a text of such characters."""
    unit = (flags & (LETTER | DIGIT)) > 0
    single = np.flatnonzero(unit & ~before(unit) & ~after(unit))
    if single.size < FEWEST:
        return Chains(single, *(single[:0],) * 3, np.zeros(flags.size, bool))
    blank = np.append(0, np.cumsum((flags & (SPACE | NEWLINE)) > 0))
    lines = np.append(0, np.cumsum((flags & NEWLINE) > 0))
    units = np.append(0, np.cumsum(unit))
    left, right = single[:-1] + 1, single[1:]
    width = right - left
    linked = (width <= _WIDEST) & (units[right] == units[left])
    spaces = blank[right] - blank[left] == width
    broken = lines[right] > lines[left]
    kinds = np.where(spaces, np.where(broken, 1, 0), 2) * _WIDEST + np.minimum(width, _WIDEST) - 1
    starts, ends = runs(linked)
    enough = ends - starts >= FEWEST - 1
    # In a text of single letters, two that follow one another are part of it as well.
    if (ends - starts + 1)[enough].sum() * 2 > np.count_nonzero(unit & ~before(unit)):
        enough[:] = True
    starts, ends = starts[enough], ends[enough]
    every = np.ones(starts.size, bool)
    inside = spread(every, single[starts], single[ends] + 1, flags.size)
    return Chains(single, starts, ends, kinds, inside)
