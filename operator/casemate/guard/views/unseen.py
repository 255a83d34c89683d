"""Characters that cannot be seen: whether there are more than spelling explains."""

import numpy as np

from casemate.guard.views.chars import (
    CYRILLIC,
    DROP,
    FLAGS,
    LATIN,
    LETTER,
    LOOKS,
    WIDE,
    Flags,
    Index,
    Mask,
    Points,
    index,
)

FEW = 3
"""So many invisible characters inside words are no accident."""
_SPELLED = LATIN | CYRILLIC | LOOKS | WIDE
_SOFT_HYPHEN = 0xAD


def suspicious(codes: Points) -> tuple[str, ...]:
    """Say whether more invisible characters stand inside words than spelling explains.

    Joiners in Arabic, Persian or Indic words, marks of direction beside them, selectors behind
    emoji and hyphens between syllables are spelling.
    """
    flags = FLAGS[index(codes)]
    gone = (flags & DROP) > 0
    places = np.flatnonzero(gone)
    if places.size < FEW:
        return ()
    kept = np.flatnonzero(~gone)
    follower = np.searchsorted(kept, places)
    inner = (follower > 0) & (follower < kept.size)
    places, follower = places[inner], follower[inner]
    left, right = flags[kept[follower - 1]], flags[kept[follower]]
    between = (left & right & LETTER) > 0
    between &= ((left & _SPELLED) > 0) & ((right & _SPELLED) > 0)
    odd = between & ~_hyphenation(codes, flags, places)
    return ("invisible",) if np.count_nonzero(odd) >= FEW else ()


def _hyphenation(codes: Points, flags: Flags, at: Index) -> Mask:
    letter = np.pad((flags & LETTER) > 0, 2)
    inside = letter[at] & letter[at + 1] & letter[at + 3] & letter[at + 4]
    hyphen: Mask = codes[at] == _SOFT_HYPHEN
    return hyphen & inside
