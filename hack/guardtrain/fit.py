"""Fits the heads, and the levels from scores that no fitted head has seen the family of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from guardtrain.corpus import FOLDS, LAWFUL, ORDINARY, Example
from guardtrain.layers import Layers
from guardtrain.matrix import Table
from guardtrain.training import fitted

Floats = NDArray[np.float64]
SEED = 20261126
# Inverse strength of the L2 term, by cross-validation over families.
STRENGTH = {"linear": 1.0, "sub": 1.0}
_STEPS, _NEAR = 120, 1e-3
# Largest share of families' harmless lines that each red line may stop.
STOPPED = {ORDINARY: 0.02, LAWFUL: 0.05}


@dataclass(frozen=True)
class Scores:
    """Numbers of both heads by example (rows) and line (columns), the family unseen."""

    linear: Floats
    vector: Floats


def fit(
    rows: sparse.csr_matrix | NDArray[np.float32], wanted: NDArray[np.int8], strength: float
) -> tuple[Floats, float]:
    """Return weights and bias of a logistic regression; equal inputs give equal bits."""
    head = LogisticRegression(
        C=strength, solver="lbfgs", class_weight="balanced", max_iter=_STEPS, tol=_NEAR
    )
    head.fit(rows.astype(np.float64), wanted)
    return head.coef_[0], float(head.intercept_[0])


def fit_lines(table: Table, rows: sparse.csr_matrix, strength: float) -> tuple[Floats, Floats]:
    """Return weights (a row a line) and biases."""
    fitted_lines = [fit(rows, each, strength) for each in table.labels.T]
    return np.array([w for w, _ in fitted_lines]), np.array([b for _, b in fitted_lines])


def crossed(table: Table, layers: Layers) -> Scores:
    """Return the scores that each example gets from heads and layers fitted without its fold."""
    folds = np.array([each.fold for each in table.examples])
    linear, vector = np.zeros(table.labels.shape), np.zeros(table.labels.shape)
    for fold in range(FOLDS):
        seen, unseen = folds != fold, folds == fold
        for line, wanted in enumerate(table.labels.T):
            weights, bias = fit(table.linear[seen], wanted[seen], STRENGTH["linear"])
            linear[unseen, line] = table.linear[unseen] @ weights + bias
        network = fitted(table.data.rows(seen), layers)
        vector[unseen] = network.scores(table.data.rows(unseen))
    return Scores(linear, vector)


def combined(scores: Scores, labels: NDArray[np.int8]) -> list[tuple[float, float, float]]:
    """Return for each line the factors of the two numbers and the shift: a calibrated sum."""
    found: list[tuple[float, float, float]] = []
    for line, wanted in enumerate(labels.T):
        both = np.column_stack([scores.linear[:, line], scores.vector[:, line]])
        head = LogisticRegression(C=1e3, solver="lbfgs").fit(both, wanted)
        first, second = map(float, head.coef_[0])
        found.append((first, second, float(head.intercept_[0])))
    return found


def calibrated(scores: NDArray[np.float64], labels: NDArray[np.int8]) -> tuple[float, float]:
    """Return factor and shift that make a number's sigmoid a probability (Platt)."""
    head = LogisticRegression(C=1e3, solver="lbfgs").fit(scores[:, None], labels)
    return float(head.coef_[0, 0]), float(head.intercept_[0])


def threshold(
    scores: Floats, examples: Sequence[Example], stopped: Callable[[str], float]
) -> float:
    """Return the lowest score above which no more than the accepted share of each label lies."""
    levels = []
    for label in (ORDINARY, LAWFUL):
        own = np.array([each.label == label for each in examples])
        if own.any():
            levels.append(float(np.quantile(scores[own], 1 - stopped(label), method="higher")))
    return max(levels)


def sigmoid(logits: Floats) -> Floats:
    """Return probabilities."""
    result: Floats = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return result
