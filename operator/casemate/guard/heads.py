"""The heads: from evidence to one number a line, and from a sentence's vector to another.

Weights are small integers with a scale, so that a bundle is small; they become floats once, at
load.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from casemate.guard.features import Features, Indices

Floats = NDArray[np.float32]
# A vector has 512 numbers and length 1: this gives each the spread of 1 that a network learns from.
VECTOR_SCALE = np.float32(22.0)


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Weights by line (columns): concepts, their pairs and triples, n-gram buckets."""

    bias: Floats
    concepts: Floats
    pairs: Floats
    triples: Floats
    grams: Floats

    def logits(self, found: Sequence[Features]) -> Floats:
        """Return one number a text (rows) and line; n-grams count by their share of the text."""
        number = np.array([max(len(each.grams), 1) for each in found], np.float32)
        shares: Floats = np.sqrt(number)[:, None]
        grams = _sums(self.grams, [each.grams for each in found]) / shares
        together = _sums(self.pairs, [each.pairs for each in found])
        together += _sums(self.triples, [each.triples for each in found])
        concepts = _sums(self.concepts, [each.concepts for each in found])
        total: Floats = self.bias + concepts + together + grams
        return total

    def named(self, found: Features) -> Floats:
        """Return what a text's concepts and those that come together say, by line, no n-gram."""
        parts = (
            self.concepts[found.concepts],
            self.pairs[found.pairs],
            self.triples[found.triples],
        )
        total: Floats = self.bias + np.concatenate(parts).sum(0)
        return total


@dataclass(frozen=True, slots=True)
class VectorHead:
    """A hidden layer over vector and concepts; its outputs (columns): lines, then sub-classes."""

    vector: Floats
    concepts: Floats
    hidden: Floats
    outputs: Floats
    bias: Floats

    def logits(self, vector: Floats, found: Features) -> Floats:
        """Return one number an output."""
        named = self.concepts[found.concepts].sum(0)
        hidden = np.maximum((vector * VECTOR_SCALE) @ self.vector + named + self.hidden, 0)
        total: Floats = hidden @ self.outputs + self.bias
        return total


@dataclass(frozen=True, slots=True)
class Change:
    """How far training moved weights of the sentence encoder: small integers, and what one is."""

    steps: NDArray[Any]
    unit: np.float32

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the weights."""
        return self.steps.shape

    def applied(self, weights: Floats) -> Floats:
        """Return weights that were moved."""
        moved: Floats = self.steps * self.unit
        moved += weights
        return moved


def _sums(weights: Floats, chosen: Sequence[Indices]) -> Floats:
    """Return the sum of some rows of weights for each text, added one after the other.

    In that order: sums in any other may differ in the last bit, and weights were measured so.
    """
    total = np.zeros((weights.shape[1], len(chosen)), np.float32)
    rows = np.repeat(np.arange(len(chosen)), [len(each) for each in chosen])
    if not len(rows):
        return total.T
    picked = weights.take(np.concatenate(chosen), axis=0)
    for column, values in zip(total, picked.T, strict=True):
        np.add.at(column, rows, values)
    return total.T


def dequantised(
    arrays: Mapping[str, NDArray[Any]], scales: Mapping[str, float], name: str
) -> Floats:
    """Return the weights of an array that was stored as small integers."""
    return arrays[name].astype(np.float32) * np.float32(scales[name])


def probability(logit: NDArray[Any] | float) -> NDArray[np.float64]:
    """Return 0..1 for each number."""
    return 1.0 / (1.0 + np.exp(-np.clip(np.asarray(logit, np.float64), -30.0, 30.0)))
