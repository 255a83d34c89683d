"""The upper layers are the package's, and their slopes those that a small step measures."""

from typing import Any

import numpy as np
import pytest

from casemate.embedder import SentenceEncoder, load, prepared
from guardtrain.layers import Layers, backward, forward
from guardtrain.pooled import pooled

TEXTS = ("Track every citizen.", "追踪所有公民。", "", "a " * 90, "Сколько стоит хлеб?", "ok")


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return load(prepared())


def test_pooled_rows_and_untouched_layers_give_the_vectors_of_the_package(
    encoder: SentenceEncoder,
) -> None:
    found = forward(Layers.of(encoder.tunable), pooled(encoder, TEXTS)).vectors

    np.testing.assert_allclose(found, encoder.embed(TEXTS), atol=1e-5)


@pytest.mark.parametrize("at", range(8))
def test_slopes_are_those_that_a_small_step_measures(at: int) -> None:
    draw = np.random.default_rng(at)
    shapes = ((6, 5), (5,), (5, 4), (4, 4), (4, 5), (5, 3), (5, 4), (4, 3))
    layers: list[Any] = [draw.standard_normal(shape) for shape in shapes]
    rows: Any = draw.standard_normal((9, 7))
    weight: Any = draw.standard_normal((9, 3))

    def loss(step: float) -> float:
        moved = [each + step * way if i == at else each for i, each in enumerate(layers)]
        return float((forward(Layers(*moved), rows).vectors * weight).sum())

    way = draw.standard_normal(shapes[at])
    slopes = backward(Layers(*layers), forward(Layers(*layers), rows), weight)

    measured = (loss(1e-6) - loss(-1e-6)) / 2e-6
    assert abs(measured) > 1e-3, "a step that changes nothing measures nothing"
    assert (slopes[at] * way).sum() == pytest.approx(measured, rel=1e-4)
