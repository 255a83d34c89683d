"""Network and layers learn what no weighted sum can, the same on every run."""

import numpy as np
import pytest
from numpy.typing import NDArray

from guardtrain.layers import Layers
from guardtrain.network import Data
from guardtrain.training import fitted


@pytest.fixture(scope="module")
def layers() -> Layers:
    draw = np.random.default_rng(4)
    shapes = ((4, 16), (16,), (16, 12), (12, 12), (12, 16), (16, 16), (16, 12), (12, 16))
    return Layers(*(draw.standard_normal(each).astype(np.float32) * 0.3 for each in shapes))


def data(count: int) -> Data:
    draw = np.random.default_rng(3)
    rows = draw.standard_normal((count, 5)).astype(np.float32)
    concepts = (draw.random((count, 2)) > 0.5).astype(np.float32)
    found = np.column_stack([rows[:, 0] * rows[:, 1] > 0, (rows[:, 2] > 0) != (concepts[:, 0] > 0)])
    often = np.ones(count, np.float32)
    return Data(rows, concepts, found.astype(np.int8), found.astype(np.int64), often)


def test_it_learns_what_is_neither_here_nor_there_alone_and_equal_inputs_give_equal_bits(
    layers: Layers,
) -> None:
    known = data(30000)
    before = [each.copy() for each in layers]

    network = fitted(known, layers)

    right = ((network.scores(known) > 0) == known.labels).mean(0)
    assert right.min() > 0.8, "no sum of these numbers gets more than half of them right"
    again = fitted(known, layers)
    np.testing.assert_array_equal(network.scores(known), again.scores(known))
    assert all(np.array_equal(one, other) for one, other in zip(before, layers, strict=True))
    assert not np.array_equal(network.layers.d0, layers.d0)


def test_rows_that_are_never_drawn_teach_nothing(layers: Layers) -> None:
    known = data(3000)
    often = (np.arange(3000) < 2000).astype(np.float32)
    mixed = known._replace(labels=np.vstack([known.labels[:2000], known.labels[:1999:-1]]))

    def scores(taught: Data) -> NDArray[np.float32]:
        return fitted(taught, layers).scores(known)

    one, other = (each._replace(often=often) for each in (known, mixed))
    np.testing.assert_array_equal(scores(one), scores(other))
    assert not np.array_equal(scores(known), scores(mixed))
