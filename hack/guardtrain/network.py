"""A hidden layer over sentence vectors and concepts, and the encoder's upper layers below it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemate.guard.heads import VECTOR_SCALE
from guardtrain.layers import Layers, forward

Floats = NDArray[np.float32]
DENSE_CONCEPTS = np.float32(2.0)
"""What a concept counts beside the numbers of a vector."""


class Data(NamedTuple):
    """What is learnt from, a row an example."""

    pooled: Floats
    concepts: Floats
    labels: NDArray[np.int8]  # by line (columns)
    aside: NDArray[np.int64]  # by task (columns): the number of the right class
    often: Floats  # chance to be in a round

    def rows(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> "Data":
        """Return some of the rows."""
        return Data(
            self.pooled[kept],
            self.concepts[kept],
            self.labels[kept],
            self.aside[kept],
            self.often[kept],
        )


class Network(NamedTuple):
    """Weights by column, and biases; outputs are lines, then the classes of each task."""

    first: Floats
    hidden: Floats
    second: Floats
    bias: Floats
    layers: Layers

    def activations(self, data: Data) -> Floats:
        """Return the hidden numbers."""
        seen = inputs(forward(self.layers, data.pooled).vectors, data.concepts)
        found: Floats = np.maximum(seen @ self.first + self.hidden, 0)
        return found

    def scores(self, data: Data) -> Floats:
        """Return one number a line."""
        lines = data.labels.shape[1]
        found: Floats = self.activations(data) @ self.second[:, :lines] + self.bias[:lines]
        return found


def inputs(vectors: Floats, concepts: Floats) -> Floats:
    """Return what the hidden layer sees, all numbers with a spread of about 1."""
    return np.hstack([vectors * VECTOR_SCALE, concepts * DENSE_CONCEPTS])
