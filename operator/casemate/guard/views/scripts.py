"""Words that mix scripts: look-alikes are folded to the script that the word is written in."""

from typing import NamedTuple

import numpy as np

from casemate.guard.views.chars import (
    CYRILLIC,
    FLAGS,
    FOLD_CYRILLIC,
    FOLD_LOOSE,
    FOLD_STRICT,
    LATIN,
    LETTER,
    LOOKS,
    NEWLINE,
    Index,
    Mask,
    Points,
    count,
    index,
    runs,
    text_of,
)

_NAMED = 4
"""Letters of a folded word that make it a disguise: shorter ones are units and formulas."""


class _Words(NamedTuple):
    """Counts of letters for each word of a text, and where it stands."""

    starts: Index
    ends: Index
    line: Index
    latin: Index
    other: Index
    strict: Index
    loose: Index
    cyrillic: Index
    as_cyrillic: Index
    own: Index
    switches: Index

    def by_line(self, counts: Index) -> Index:
        """The sum of a count over each word's line, for each word."""
        return np.bincount(self.line, counts).astype(np.intp)[self.line]


def _words(at: Index) -> _Words:
    flags = FLAGS[at]
    letter, latin = (flags & LETTER) > 0, (flags & LATIN) > 0
    starts, ends = runs(letter)

    def each(mask: Mask) -> Index:
        return count(mask, starts, ends)

    other = letter & ~latin
    loose = FOLD_LOOSE[at] > 0
    switch = np.zeros(at.size, bool)
    switch[1:] = letter[1:] & letter[:-1] & (latin[1:] != latin[:-1])
    return _Words(
        starts,
        ends,
        np.cumsum((flags & NEWLINE) > 0).astype(np.intp)[starts],
        each(latin),
        each(other),
        each(FOLD_STRICT[at] > 0),
        each(loose & other),
        each((flags & CYRILLIC) > 0),
        each((FOLD_CYRILLIC[at] > 0) & latin),
        each(((flags & (CYRILLIC | LOOKS)) > 0) & other & ~loose),
        each(switch),
    )


def _decided(words: _Words) -> tuple[Mask, Mask, Mask]:
    """Which words become Latin from look-alikes of any kind, from strict ones, and Cyrillic."""
    mixed = (words.latin > 0) & (words.other > 0)
    foldable = mixed & (words.loose == words.other)
    roman = np.where((words.other == 0) | foldable, words.latin + words.loose, 0)
    others = np.where(words.own > 0, words.other, 0)
    foreign = words.by_line(others) > words.by_line(roman)
    # An acronym with an ending of the language around it is ordinary writing.
    ending = foreign & (words.switches == 1) & (words.latin > 1)
    cyrillic = mixed & (words.cyrillic == words.other) & (words.as_cyrillic == words.latin)
    cyrillic &= ~ending & (foreign | ~foldable)
    latin = foldable & ~ending & ~cyrillic
    settled = np.where((words.other == 0) | latin, words.latin + words.loose, 0)
    alone = (words.latin == 0) & (words.other > 0) & (words.strict == words.other)
    alone &= words.by_line(words.own) * 4 < words.by_line(settled)
    return latin, alone, cyrillic


def folded(codes: Points) -> tuple[str, tuple[str, ...]]:
    """The text with look-alikes folded, and ("look-alikes",) if words were disguised by them."""
    at = index(codes)
    if not (FOLD_LOOSE[at] > 0).any():
        return text_of(codes), ()
    words = _words(at)
    latin, alone, cyrillic = _decided(words)
    if not (latin | alone | cyrillic).any():
        return text_of(codes), ()
    lengths = words.ends - words.starts
    out = codes.copy()
    for chosen, table in ((latin, FOLD_LOOSE), (alone, FOLD_STRICT), (cyrillic, FOLD_CYRILLIC)):
        mask = np.zeros(codes.size, bool)
        mask[np.flatnonzero((FLAGS[at] & LETTER) > 0)] = np.repeat(chosen, lengths)
        mask &= table[at] > 0
        out[mask] = table[at[mask]]
    long = lengths >= _NAMED
    named = bool((latin & long).any() or (alone & long).any() or np.count_nonzero(cyrillic) > 1)
    return text_of(out), ("look-alikes",) if named else ()
