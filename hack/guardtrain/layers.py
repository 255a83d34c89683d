"""The upper layers of the sentence encoder, forward and backward: what is tuned.

Below them a text is cut into pieces, and each piece is read with its neighbours; that stays as the
package has it. Above, the sum over all pieces becomes a vector through a few small layers. They
were trained for similarity, which puts a request beside the twin that shares its words.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemate.embedder.load import TUNABLE

Floats = NDArray[np.float32]
NAMES = TUNABLE
"""What the package calls these weights."""
_LEAST = np.float32(1e-12)


class Layers(NamedTuple):
    """Weights by column, in the order of `NAMES`."""

    mix: Floats
    shift: Floats
    d0: Floats
    d1: Floats
    d2: Floats
    d3: Floats
    p1: Floats
    p3: Floats

    @classmethod
    def of(cls, arrays: Mapping[str, Floats]) -> "Layers":
        """Return the layers among an encoder's arrays."""
        return cls(*(np.array(arrays[name]) for name in NAMES))


class Passed(NamedTuple):
    """The numbers of a batch after each layer."""

    rows: Floats
    mixed: Floats
    y0: Floats
    y1: Floats
    y2: Floats
    bent: Floats
    length: Floats
    vectors: Floats


def forward(layers: Layers, rows: Floats) -> Passed:
    """Return what the layers make of rows from `pooled`; the vectors have length 1."""
    mixed = rows[:, :-1] @ layers.mix + rows[:, -1:] * layers.shift
    y0 = np.maximum(mixed @ layers.d0, 0)
    y1 = np.maximum(mixed @ layers.p1 + y0 @ layers.d1, 0)
    y2 = np.maximum(y1 @ layers.d2, 0)
    bent = np.tanh(y1 @ layers.p3 + y2 @ layers.d3)
    squares = np.einsum("ij,ij->i", bent, bent)[:, None]
    length = np.sqrt(np.maximum(squares, _LEAST))
    return Passed(rows, mixed, y0, y1, y2, bent, length, bent / length)


def backward(layers: Layers, seen: Passed, slope: Floats) -> Layers:
    """Return how a loss rises with each weight, of how it rises with each number of the vectors."""
    along = np.einsum("ij,ij->i", slope, seen.vectors)[:, None]
    sums = (slope - seen.vectors * along) / seen.length * (1 - seen.bent * seen.bent)
    g2 = (sums @ layers.d3.T) * (seen.y2 > 0)
    g1 = (sums @ layers.p3.T + g2 @ layers.d2.T) * (seen.y1 > 0)
    g0 = (g1 @ layers.d1.T) * (seen.y0 > 0)
    mixed = g1 @ layers.p1.T + g0 @ layers.d0.T
    return Layers(
        mix=seen.rows[:, :-1].T @ mixed,
        shift=(seen.rows[:, -1:] * mixed).sum(0),
        d0=seen.mixed.T @ g0,
        d1=seen.y0.T @ g1,
        d2=seen.y1.T @ g2,
        d3=seen.y2.T @ sums,
        p1=seen.mixed.T @ g1,
        p3=seen.y1.T @ sums,
    )
