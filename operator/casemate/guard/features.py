"""What the heads see of a text: concepts, which of them come together, and hashed n-grams."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from casemate.guard.lexicon import Lexicon
from casemate.guard.ngrams import buckets

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Features:
    """The evidence in one text."""

    concepts: Indices  # ascending
    pairs: Indices
    triples: Indices
    grams: Indices


def features(folded: str, lexicon: Lexicon, grams: int) -> Features:
    """Return the evidence in a folded text; `grams` is the number of buckets."""
    found = np.flatnonzero(lexicon.present(folded))
    return Features(found, pairs(found), triples(found), buckets(folded, grams))


def pairs(found: Indices) -> Indices:
    """Return the numbers of all pairs of ascending numbers: j over 2, plus i, for i < j."""
    i, j = np.triu_indices(len(found), 1)
    return _over_two(found[j]) + found[i]


def triples(found: Indices) -> Indices:
    """Return the numbers of all triples of ascending numbers: k over 3, plus that of i and j."""
    n = len(found)
    i, j, k = np.nonzero(_ascending(n))
    return _over_three(found[k]) + _over_two(found[j]) + found[i]


def count_pairs(concepts: int) -> int:
    """Return how many pairs there are."""
    return concepts * (concepts - 1) // 2


def count_triples(concepts: int) -> int:
    """Return how many triples there are."""
    return concepts * (concepts - 1) * (concepts - 2) // 6


def _over_two(n: Indices) -> Indices:
    return n * (n - 1) // 2


def _over_three(n: Indices) -> Indices:
    return n * (n - 1) * (n - 2) // 6


def _ascending(n: int) -> NDArray[np.bool_]:
    place = np.arange(n)
    first, second, third = place[:, None, None], place[None, :, None], place[None, None, :]
    return (first < second) & (second < third)
