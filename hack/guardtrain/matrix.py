"""Evidence as matrices: one row an example, columns grouped as in the heads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from casemate.embedder import SentenceEncoder
from casemate.guard.features import Features, count_pairs, count_triples, features
from casemate.guard.folding import fold
from casemate.guard.lexicon import Lexicon
from guardtrain.corpus import LAWFUL, ORDINARY, VIOLATE, Example
from guardtrain.network import Data
from guardtrain.pooled import pooled

GRAMS = 2**16
# A column's scale is its prior: the smaller, the more must speak for a weight of its own.
SCALES = {"concepts": 1.0, "pairs": 0.7, "triples": 0.35, "grams": 1.5}
_BATCH = 256
"""Texts looked at together: more is no faster, and takes memory."""
_KINDS = (ORDINARY, LAWFUL, VIOLATE)


@dataclass(frozen=True)
class Table:
    """Examples with their evidence."""

    examples: Sequence[Example]
    found: list[Features]
    linear: sparse.csr_matrix  # concepts, pairs, triples, n-grams; scaled
    data: Data  # what the network learns from

    @property
    def labels(self) -> NDArray[np.int8]:
        """Whether an example crosses a line, by line (columns) in the order given."""
        return self.data.labels


def table(
    examples: Sequence[Example],
    often: NDArray[np.float32],
    lexicon: Lexicon,
    encoder: SentenceEncoder,
    lines: Sequence[str],
) -> Table:
    """Return the evidence of the examples; `often` is each one's chance to be in a round."""
    texts = [each.text for each in examples]
    found = _found(texts, lexicon)
    concepts = len(lexicon.concepts)
    named = _present([each.concepts for each in found], concepts) * SCALES["concepts"]
    twos = _present([each.pairs for each in found], count_pairs(concepts)) * SCALES["pairs"]
    threes = _present([each.triples for each in found], count_triples(concepts)) * SCALES["triples"]
    grams = _shares([each.grams for each in found]) * SCALES["grams"]
    named_once = _present([each.concepts for each in found], concepts).toarray()
    labels = np.array([[each.line_id == line for line in lines] for each in examples], np.int8)
    return Table(
        examples,
        found,
        sparse.csr_matrix(sparse.hstack([named, twos, threes, grams])),
        Data(pooled(encoder, texts), named_once, labels, _aside(examples), often),
    )


def _found(texts: Sequence[str], lexicon: Lexicon) -> list[Features]:
    batches = (texts[at : at + _BATCH] for at in range(0, len(texts), _BATCH))
    return [each for one in batches for each in features(list(map(fold, one)), lexicon, GRAMS)]


def _aside(examples: Sequence[Example]) -> NDArray[np.int64]:
    """Return each example's label and, unless it is ordinary, its topic."""
    topics = ["" if each.label == ORDINARY else each.sub for each in examples]
    numbers = {topic: at for at, topic in enumerate(sorted({"", *topics}))}
    kinds = [_KINDS.index(each.label) for each in examples]
    return np.array([kinds, [numbers[topic] for topic in topics]]).T


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
