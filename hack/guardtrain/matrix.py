"""Evidence as matrices: one row an example, columns grouped as in the heads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from casemate.embedder import Embedder
from casemate.guard.features import Features, count_pairs, count_triples, features
from casemate.guard.folding import fold
from casemate.guard.heads import VECTOR_SCALE
from casemate.guard.lexicon import Lexicon
from guardtrain.corpus import Example

GRAMS = 2**16
# A column's scale is its prior: the smaller, the more must speak for a weight of its own.
SCALES = {"concepts": 1.0, "pairs": 0.7, "triples": 0.35, "grams": 1.5}


@dataclass(frozen=True)
class Table:
    """Examples with their evidence."""

    examples: Sequence[Example]
    found: list[Features]
    linear: sparse.csr_matrix  # concepts, pairs, triples, n-grams; scaled
    dense: sparse.csr_matrix  # vector, concepts, pairs; scaled
    labels: NDArray[np.int8]  # by line (columns) in the order given


def table(
    examples: Sequence[Example], lexicon: Lexicon, embedder: Embedder, lines: Sequence[str]
) -> Table:
    """Return the evidence of the examples."""
    texts = [each.text for each in examples]
    found = [features(fold(text), lexicon, GRAMS) for text in texts]
    concepts = len(lexicon.concepts)
    named = _present([each.concepts for each in found], concepts) * SCALES["concepts"]
    twos = _present([each.pairs for each in found], count_pairs(concepts)) * SCALES["pairs"]
    threes = _present([each.triples for each in found], count_triples(concepts)) * SCALES["triples"]
    grams = _shares([each.grams for each in found]) * SCALES["grams"]
    vectors = sparse.csr_matrix(embedder.embed(texts) * VECTOR_SCALE)
    labels = np.array([[each.line_id == line for line in lines] for each in examples], np.int8)
    return Table(
        examples,
        found,
        sparse.csr_matrix(sparse.hstack([named, twos, threes, grams])),
        sparse.csr_matrix(sparse.hstack([vectors, named, twos])),
        labels,
    )


def _present(rows: Sequence[NDArray[np.intp]], width: int) -> sparse.csr_matrix:
    values = np.ones(sum(map(len, rows)), np.float32)
    return _matrix(rows, values, width)


def _shares(rows: Sequence[NDArray[np.intp]]) -> sparse.csr_matrix:
    values = [np.full(len(row), 1 / np.sqrt(max(len(row), 1)), np.float32) for row in rows]
    return _matrix(rows, np.concatenate(values), GRAMS)


def _matrix(
    rows: Sequence[NDArray[np.intp]], values: NDArray[np.float32], width: int
) -> sparse.csr_matrix:
    ends = np.cumsum([0, *map(len, rows)])
    made = sparse.csr_matrix((values, np.concatenate(rows), ends), (len(rows), width))
    made.sum_duplicates()
    return made
