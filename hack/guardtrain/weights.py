"""Fits what ships: the linear heads, the tuned encoder with its network, and the sub-classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from casemate.guard.features import count_pairs, count_triples
from casemate.guard.lexicon import Lexicon
from guardtrain import fit
from guardtrain.corpus import VIOLATE
from guardtrain.layers import NAMES, Layers
from guardtrain.matrix import SCALES, Table
from guardtrain.network import DENSE_CONCEPTS, Network
from guardtrain.training import fitted

_WIDTH = 512


def weights(
    data: Table,
    layers: Layers,
    lexicon: Lexicon,
    subs: Sequence[tuple[int, str]],
    lines: Sequence[str],
) -> dict[str, NDArray[np.float64]]:
    """Return all weights of heads and encoder by their names in a bundle."""
    concepts = len(lexicon.concepts)
    twos = count_pairs(concepts)
    rows, bias = fit.fit_lines(data, data.linear, fit.STRENGTH["linear"])
    edges = np.cumsum([concepts, twos, count_triples(concepts)])
    named, pairs, triples, grams = np.split(rows, edges, axis=1)
    found = {
        "linear.bias": bias,
        "linear.concepts": named * SCALES["concepts"],
        "linear.pairs": pairs * SCALES["pairs"],
        "linear.triples": triples * SCALES["triples"],
        "linear.grams": grams * SCALES["grams"],
    }
    network = fitted(data.data, layers)
    outputs, shifts = _outputs(data, network, subs, lines)
    sense, stated = np.split(network.first.T, [_WIDTH], axis=1)
    return (
        found
        | _tuned(layers, network.layers)
        | {
            "vector.vector": sense.astype(np.float64),
            "vector.concepts": stated * np.float64(DENSE_CONCEPTS),
            "vector.hidden": network.hidden.astype(np.float64),
            "vector.outputs": outputs,
            "vector.bias": shifts,
        }
    )


def _tuned(before: Layers, after: Layers) -> dict[str, NDArray[np.float64]]:
    """Return how far each weight of the encoder was moved."""
    moved = zip(NAMES, before, after, strict=True)
    return {f"encoder.{name}": (new - old).T.astype(np.float64) for name, old, new in moved}


def _outputs(
    data: Table, network: Network, subs: Sequence[tuple[int, str]], lines: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights and biases of lines, then of each sub-class against the others of its line."""
    columns: NDArray[np.float64] = network.second[:, : len(lines)].T.astype(np.float64)
    bias: NDArray[np.float64] = network.bias[: len(lines)].astype(np.float64)
    for line, name in enumerate(lines):
        own = np.array([each.line_id == name and each.label == VIOLATE for each in data.examples])
        hidden = network.activations(data.data.rows(own))
        held = [each.sub for each, kept in zip(data.examples, own, strict=True) if kept]
        for sub in (sub for at, sub in subs if at == line):
            wanted = np.array([each == sub for each in held], np.int8)
            one, shift = fit.fit(hidden, wanted, fit.STRENGTH["sub"])
            columns, bias = np.vstack([columns, one]), np.append(bias, shift)
    return columns, bias


def quantised(
    found: dict[str, NDArray[np.float64]],
) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
    """Return weights as small integers, and what one counts; what a vector meets is kept finer."""
    arrays: dict[str, NDArray[Any]] = {}
    scales = {}
    for name, each in found.items():
        kind, top = (
            (np.int16, 32767) if name.startswith("vector.") or each.ndim == 1 else (np.int8, 127)
        )
        scale = float(np.abs(each).max()) / top or 1.0
        arrays[name] = np.ascontiguousarray(np.rint(each / scale).astype(kind).T)
        scales[name] = scale
    return arrays, scales
