"""From corpus and lexicon to the bytes of a bundle."""

import json
import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from casemate.embedder import SentenceEncoder
from casemate.guard.container import pack
from casemate.guard.lexicon import Lexicon
from guardtrain import fit
from guardtrain.augment import augmented
from guardtrain.corpus import LINES, Example
from guardtrain.layers import Layers
from guardtrain.matrix import Table, table
from guardtrain.weights import quantised, weights

VERSION = 20261203
_WORD = re.compile(r"[^\W\d_]{4,20}")
# Shares of examples: violating ones that the vector would find and that may fall under the floor,
# harmless ones above "certain".
_MISSED = 0.01
_WRONG = 0.0005
_SELDOM = 1 / 4
"""Chance of a variant, and of a window of a document, to be in a round of training."""

Terms = dict[str, dict[str, tuple[str, ...]]]


def build(
    examples: Sequence[Example],
    documents: Sequence[Example],
    terms: Terms,
    words: dict[str, list[str]],
    encoder: SentenceEncoder,
) -> bytes:
    """Return the bundle trained on requests, and on windows of documents that ask for nothing."""
    lines = tuple(LINES.values())
    merged = _merged(terms)
    lexicon = Lexicon(sorted(merged), merged)
    rows = [*augmented(examples, documents), *documents]
    plain = _plain(rows, {each.id for each in documents})
    often = np.where(plain, 1.0, _SELDOM).astype(np.float32)
    data, layers = table(rows, often, lexicon, encoder, lines), Layers.of(encoder.tunable)
    levels = _levels(data, fit.crossed(data, layers), plain)
    subs = sorted({(lines.index(each.line_id), each.sub) for each in examples if each.line_id})
    arrays, scales = quantised(weights(data, layers, lexicon, subs, lines))
    arrays |= {
        "lexicon": _packed(merged),
        "words": _packed(words),
        "real": _packed({"": _real(examples)}),
    }
    meta = {
        "version": VERSION,
        "languages": sorted({each.language for each in examples}),
        "embedder": encoder.digest,
        "lines": lines,
        "concepts": sorted(merged),
        "subs": subs,
        "levels": levels,
        "scales": scales,
    }
    return pack(meta, arrays)


def _merged(terms: Terms) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for concepts in terms.values():
        for name, each in concepts.items():
            found.setdefault(name, set()).update(each)
    return {name: sorted(each) for name, each in sorted(found.items())}


def _levels(data: Table, scores: fit.Scores, plain: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return the bars of each line; thresholds are set by requests as they were written."""
    examples = [each for each, first in zip(data.examples, plain, strict=True) if first]
    finals = fit.combined(scores, data.labels)
    found = []
    for line, (a, b, c) in enumerate(finals):
        slope, shift = fit.calibrated(scores.linear[:, line], data.labels[:, line])
        linear = fit.sigmoid(slope * scores.linear[:, line] + shift)
        final = fit.sigmoid(a * scores.linear[:, line] + b * scores.vector[:, line] + c)
        bad = data.labels[:, line] == 1
        bar = fit.threshold(final[plain], examples, fit.STOPPED.__getitem__)
        found.append(
            {
                "linear": (slope, shift),
                "final": (a, b, c),
                "floor": float(np.quantile(linear[bad & (final >= bar)], _MISSED)),
                "alone": fit.threshold(linear[plain], examples, fit.STOPPED.__getitem__),
                "certain": float(np.quantile(linear[~bad], 1 - _WRONG, method="higher")),
                "threshold": bar,
            }
        )
    return found


def _plain(rows: Sequence[Example], documents: set[str]) -> NDArray[np.bool_]:
    """Return which are no variant of the one before, nor part of a document."""
    names = [each.id for each in rows]
    new = [at == 0 or names[at - 1] != own for at, own in enumerate(names)]
    return np.array([one and own not in documents for one, own in zip(new, names, strict=True)])


def _real(examples: Sequence[Example]) -> list[str]:
    """Return the words of the examples that are near enough to others to be taken for them."""
    found = {word for each in examples for word in _WORD.findall(each.text.lower())}
    return sorted(found)


def _packed(words: Any) -> NDArray[np.uint8]:
    text = json.dumps(words, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return np.frombuffer(zlib.compress(text.encode(), 9), np.uint8)


__all__ = ["VERSION", "build"]
