"""The lower layers of the sentence encoder: from texts to what the upper layers are trained on.

Texts are laid out one behind another with empty rows between, so that a window of neighbours is a
sum over shifted rows and never reaches into another text.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemate.embedder.load import SentenceEncoder

Floats = NDArray[np.float32]
_BATCH = 64
_ORDERS = ((2, 0), (3, 1), (5, 2))
"""Of each branch how many neighbours it reads, and how many of them to the left."""
_WIDTH, _GAP = 256, 2


def pooled(encoder: SentenceEncoder, texts: Sequence[str]) -> Floats:
    """Return a row a text: the sum over its pieces by the root of their number, and that root."""
    weights: Any = encoder.backend
    pieces = [weights.sp.encode(text) for text in texts]
    order = np.argsort([len(each) for each in pieces], kind="stable")
    rows = np.empty((len(texts), len(weights.cnn_W) + 1), np.float32)
    for at in range(0, len(order), _BATCH):
        batch = order[at : at + _BATCH]
        rows[batch] = _rows(weights, [pieces[each] for each in batch])
    return rows


class _Layout(NamedTuple):
    """Where the pieces of a batch stand."""

    counts: NDArray[np.int64]  # pieces by text
    places: NDArray[np.int64]  # rows of all pieces
    used: Floats  # 1 where a piece stands, 0 between texts


def _layout(pieces: Sequence[Sequence[int]]) -> _Layout:
    counts = np.array([len(each) for each in pieces])
    text = np.repeat(np.arange(len(counts)), counts)
    places = np.arange(len(text)) + _GAP * (text + 1)
    used = np.zeros((places[-1] + _GAP + 1, 1), np.float32)
    used[places] = 1
    return _Layout(counts, places, used)


def _rows(weights: Any, pieces: Sequence[Sequence[int]]) -> Floats:
    layout = _layout(pieces)
    words = np.zeros((len(layout.used), weights.proj_W.shape[0]), np.float32)
    words[layout.places] = _looked_up(weights, np.concatenate([np.array(each) for each in pieces]))
    start = _levelled(words @ weights.proj_W + weights.proj_b, weights.eps)
    start = (start * weights.ln_g_all + weights.ln_b_all) * layout.used
    branches = [_branch(weights, i, start, layout.used) for i in range(len(_ORDERS))]
    read = _levelled(np.hstack([words, *branches])[layout.places], weights.eps)
    read = read * weights.ln_g + weights.ln_b
    root = np.sqrt(layout.counts.astype(np.float32))[:, None]
    total = np.add.reduceat(read, np.cumsum(layout.counts) - layout.counts, axis=0)
    found: Floats = np.hstack([total / root, root])
    return found


def _looked_up(weights: Any, pieces: NDArray[np.int64]) -> Floats:
    chunk = pieces % len(weights.scale)
    words: Floats = weights.table[pieces] * weights.scale[chunk, None]
    words += weights.lo[chunk, None]
    return words


def _branch(weights: Any, at: int, start: Floats, used: Floats) -> Floats:
    """Return what one branch reads from each piece and its neighbours, in two steps."""
    own = np.ascontiguousarray(start[:, at * _WIDTH : (at + 1) * _WIDTH])
    for matrix, bias in ((weights.w1[at], weights.b1[at]), (weights.w2[at], weights.b2[at])):
        near = _neighbours(own, matrix, *_ORDERS[at])
        own = own + np.maximum(near + bias, 0) * used
    return own


def _neighbours(rows: Floats, matrix: Floats, order: int, left: int) -> Floats:
    found = np.zeros_like(rows)
    inner = found[_GAP:-_GAP]
    for at in range(order):
        first = _GAP + at - left
        inner += rows[first : first + len(inner)] @ matrix[at * _WIDTH : (at + 1) * _WIDTH]
    return found


def _levelled(rows: Floats, least: float) -> Floats:
    """Return rows with mean 0 and spread 1."""
    rows = rows - rows.mean(-1, keepdims=True)
    spread = np.einsum("ij,ij->i", rows, rows) / np.float32(rows.shape[1]) + np.float32(least)
    found: Floats = rows / np.sqrt(spread)[:, None]
    return found
