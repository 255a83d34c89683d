"""The heads: from evidence to one number a line, and from a sentence's vector to another.

Weights are small integers with a scale, so that a bundle is small; they become floats once, at
load.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from casemate.guard.features import Features

Floats = NDArray[np.float32]
# A vector has 512 numbers and length 1: this brings them nearer to the 0 and 1 of concepts.
VECTOR_SCALE = np.float32(4.0)


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Weights by line (columns): concepts, their pairs and triples, n-gram buckets."""

    bias: Floats
    concepts: Floats
    pairs: Floats
    triples: Floats
    grams: Floats

    def logits(self, found: Features) -> Floats:
        """Return one number a line; n-grams count by their share of the text."""
        grams = self.grams[found.grams].sum(0) / np.sqrt(np.float32(max(len(found.grams), 1)))
        together = self.pairs[found.pairs].sum(0) + self.triples[found.triples].sum(0)
        total: Floats = self.bias + self.concepts[found.concepts].sum(0) + together + grams
        return total


@dataclass(frozen=True, slots=True)
class VectorHead:
    """Weights by output (columns: lines, then sub-classes): vector, concepts, their pairs."""

    bias: Floats
    vector: Floats
    concepts: Floats
    pairs: Floats

    def logits(self, vector: Floats, found: Features) -> Floats:
        """Return one number an output."""
        named = self.concepts[found.concepts].sum(0) + self.pairs[found.pairs].sum(0)
        total: Floats = self.bias + (vector * VECTOR_SCALE) @ self.vector + named
        return total


def dequantised(
    arrays: Mapping[str, NDArray[Any]], scales: Mapping[str, float], name: str
) -> Floats:
    """Return the weights of an array that was stored as small integers."""
    return arrays[name].astype(np.float32) * np.float32(scales[name])


def probability(logit: float) -> float:
    """Return 0..1."""
    return float(1.0 / (1.0 + np.exp(-np.clip(logit, -30.0, 30.0))))
