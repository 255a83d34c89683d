"""Fits the network and the encoder's upper layers together.

By Adam in plain numpy, one process and thread a seed: equal inputs give equal bits. All draws begin
with the same weights, so that the mean of what they end with is one network, steadier than each.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from casemate.guard.heads import VECTOR_SCALE
from guardtrain.adam import Adam
from guardtrain.layers import Layers, backward, forward
from guardtrain.network import Data, Network, inputs

Floats = NDArray[np.float32]
SEEDS = (1, 2)
_HIDDEN, _ROUNDS, _BATCH = 192, 5, 192
_RATE, _DECAY = 2e-3, 0.05
# The encoder's layers move slowly, and are drawn back to where they were.
_TUNING, _PULL, _WARM = 4e-4, 0.02, 0.1
# Shares that are left out at each step, of pooled numbers, inputs and hidden numbers.
_UNREAD, _UNSEEN, _ASLEEP = 0.1, 0.1, 0.2
_POSITIVES = 0.5
"""Weight of all that cross a line, of those that do not."""
_ASIDE = 0.3
"""What it counts to tell labels and sub-classes apart: only vectors learn by it."""


def fitted(data: Data, layers: Layers) -> Network:
    """Return the mean of the networks of all seeds, tuned from `layers`."""
    with ProcessPoolExecutor(len(SEEDS), get_context("forkserver")) as workers:
        each = list(workers.map(partial(_fitted, data, layers), SEEDS))
    return Network(
        np.mean([one.first for one in each], axis=0),
        np.mean([one.hidden for one in each], axis=0),
        np.mean([one.second for one in each], axis=0),
        np.mean([one.bias for one in each], axis=0),
        Layers(
            *(np.mean(same, axis=0) for same in zip(*(one.layers for one in each), strict=True))
        ),
    )


def _fitted(data: Data, layers: Layers, seed: int) -> Network:
    draw, classes = np.random.default_rng(seed), [int(n) + 1 for n in data.aside.max(0)]
    network = _begun(data, layers, sum(classes))
    weights = _weights(data.labels)
    own = (network.first, network.hidden, network.second, network.bias)
    head, tuning = Adam(own, _DECAY), Adam(network.layers, _PULL, layers)
    batches = [each for _ in range(_ROUNDS) for each in _round(draw, data.often)]
    for step, batch in enumerate(batches):
        slopes, sums = _slopes(network, draw, data.rows(batch), weights, classes)
        pace = 0.5 * (1 + np.cos(np.pi * step / len(batches)))
        head.step(slopes, _RATE * pace)
        tuning.step(sums, _TUNING * pace * min(1.0, (step + 1) / (_WARM * len(batches))))
    return network


def _round(draw: np.random.Generator, often: Floats) -> list[NDArray[np.int64]]:
    """Return the rows of one round, in batches."""
    drawn = np.flatnonzero(draw.random(len(often), dtype=np.float32) < often)
    order = draw.permutation(drawn)
    return [order[at : at + _BATCH] for at in range(0, len(order), _BATCH)]


def _begun(data: Data, layers: Layers, classes: int) -> Network:
    draw = np.random.default_rng(0)

    def weights(rows: int, columns: int, spread: float) -> Floats:
        return (draw.standard_normal((rows, columns)) * spread).astype(np.float32)

    seen, outputs = layers.p3.shape[1] + data.concepts.shape[1], data.labels.shape[1] + classes
    return Network(
        weights(seen, _HIDDEN, 0.5 * (2 / seen) ** 0.5),
        np.zeros(_HIDDEN, np.float32),
        weights(_HIDDEN, outputs, 0.5 * (1 / _HIDDEN) ** 0.5),
        np.zeros(outputs, np.float32),
        Layers(*(each.copy() for each in layers)),
    )


def _weights(labels: NDArray[np.int8]) -> Floats:
    """Return how much a positive of each line counts."""
    positive = labels.sum(0)
    weights: Floats = (_POSITIVES * (len(labels) - positive) / positive).astype(np.float32)
    return weights


def _slopes(
    network: Network,
    draw: np.random.Generator,
    data: Data,
    weights: Floats,
    classes: Sequence[int],
) -> tuple[tuple[Floats, ...], Layers]:
    """Return how the weighted cross-entropy of a batch rises with each weight."""
    read = _kept(draw, data.pooled.shape, _UNREAD)
    read[:, -1] = 1  # how long a text is
    passed = forward(network.layers, data.pooled * read)
    whole = inputs(passed.vectors, data.concepts)
    left = _kept(draw, whole.shape, _UNSEEN)
    seen = whole * left
    before = seen @ network.first + network.hidden
    awake = _kept(draw, before.shape, _ASLEEP)
    active = np.maximum(before, 0) * awake
    wrong = _wrong(active @ network.second + network.bias, data, weights, classes)
    back = (wrong @ network.second.T) * awake * (before > 0)
    width = passed.vectors.shape[1]
    slope = (back @ network.first[:width].T * left[:, :width]).astype(np.float32) * VECTOR_SCALE
    own = (seen.T @ back, back.sum(0), active.T @ wrong, wrong.sum(0))
    return own, backward(network.layers, passed, slope)


def _wrong(logits: Floats, data: Data, weights: Floats, classes: Sequence[int]) -> Floats:
    """Return how the loss rises with each output."""
    lines = data.labels.shape[1]
    wrong = np.empty_like(logits)
    chance = 1 / (1 + np.exp(-np.clip(logits[:, :lines], -30, 30)))
    wrong[:, :lines] = (chance - data.labels) * np.where(data.labels == 1, weights, np.float32(1))
    at = lines
    for task, count in enumerate(classes):
        own = logits[:, at : at + count]
        share = np.exp(own - own.max(1, keepdims=True))
        share /= share.sum(1, keepdims=True)
        share[np.arange(len(share)), data.aside[:, task]] -= 1
        wrong[:, at : at + count] = share * np.float32(_ASIDE)
        at += count
    return wrong / np.float32(len(logits))


def _kept(draw: np.random.Generator, shape: tuple[int, ...], share: float) -> Floats:
    kept: Floats = (draw.random(shape, dtype=np.float32) > share).astype(np.float32)
    kept /= np.float32(1 - share)
    return kept
