"""What the heads see of a text: concepts, which of them come together, and hashed n-grams."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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


def features(folded: Sequence[str], lexicon: Lexicon, grams: int) -> list[Features]:
    """Return the evidence in each folded text; `grams` is the number of buckets."""
    named = [row.nonzero()[0] for row in lexicon.present(folded)]
    return [
        Features(found, pairs(found), triples(found), shares)
        for found, shares in zip(named, buckets(folded, grams), strict=True)
    ]


def pairs(found: Indices) -> Indices:
    """Return the numbers of all pairs of ascending numbers: j over 2, plus i, for i < j."""
    if len(found) < 2:  # noqa: PLR2004  as most
        return found[:0]
    i, j = _two_of(len(found))
    return _over_two(found)[j] + found[i]


def triples(found: Indices) -> Indices:
    """Return the numbers of all triples of ascending numbers: k over 3, plus that of i and j."""
    if len(found) < 3:  # noqa: PLR2004  as most
        return found[:0]
    i, j, k = _three_of(len(found))
    return _over_three(found)[k] + _over_two(found)[j] + found[i]


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


@lru_cache(maxsize=16)
def _two_of(n: int) -> tuple[Indices, Indices]:
    return np.triu_indices(n, 1)


@lru_cache(maxsize=16)
def _three_of(n: int) -> tuple[Indices, ...]:
    return np.nonzero(_ascending(n))


def _ascending(n: int) -> NDArray[np.bool_]:
    place = np.arange(n)
    first, second, third = place[:, None, None], place[None, :, None], place[None, None, :]
    return (first < second) & (second < third)
