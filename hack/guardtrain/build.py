"""From corpus and lexicon to the bytes of a bundle."""

import json
import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from casemate.embedder import Embedder
from casemate.guard.container import pack
from casemate.guard.features import count_pairs
from casemate.guard.heads import LinearHead, VectorHead
from casemate.guard.lexicon import Lexicon
from guardtrain import fit
from guardtrain.augment import augmented
from guardtrain.corpus import LINES, VIOLATE, Example
from guardtrain.matrix import SCALES, Table, table

VERSION = 20261126
_WIDTH = 512
_WORD = re.compile(r"[^\W\d_]{4,20}")
# Shares of examples: violating ones that may fall under the floor, harmless ones above "certain".
_MISSED = 0.002
_WRONG = 0.0005

Terms = dict[str, dict[str, tuple[str, ...]]]


def build(
    examples: Sequence[Example], terms: Terms, words: dict[str, list[str]], embedder: Embedder
) -> bytes:
    """Return the bundle trained on the examples."""
    lines = tuple(LINES.values())
    merged = _merged(terms)
    lexicon = Lexicon(sorted(merged), merged)
    data = table(augmented(examples), lexicon, embedder, lines)
    scores = fit.crossed(data)
    levels = _levels(data, scores)
    subs = sorted({(lines.index(each.line_id), each.sub) for each in examples if each.line_id})
    heads = _heads(data, lexicon, subs, lines)
    arrays, scales = _quantised(heads)
    arrays |= {
        "lexicon": _packed(merged),
        "words": _packed(words),
        "real": _packed({"": _real(examples)}),
    }
    meta = {
        "version": VERSION,
        "languages": sorted({each.language for each in examples}),
        "embedder": embedder.digest,
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


def _levels(data: Table, scores: fit.Scores) -> list[dict[str, Any]]:
    plain = np.array(
        [not i % (len(data.examples) // _originals(data)) for i in range(len(data.examples))]
    )
    examples = [each for each, first in zip(data.examples, plain, strict=True) if first]
    finals = fit.combined(scores, data.labels)
    found = []
    for line, (a, b, c) in enumerate(finals):
        slope, shift = fit.calibrated(scores.linear[:, line], data.labels[:, line])
        linear = fit.sigmoid(slope * scores.linear[:, line] + shift)
        final = fit.sigmoid(a * scores.linear[:, line] + b * scores.vector[:, line] + c)
        bad = data.labels[:, line] == 1
        found.append(
            {
                "linear": (slope, shift),
                "final": (a, b, c),
                "floor": float(np.quantile(linear[bad], _MISSED)),
                "alone": fit.threshold(linear[plain], examples, fit.STOPPED.__getitem__),
                "certain": float(np.quantile(linear[~bad], 1 - _WRONG, method="higher")),
                "threshold": fit.threshold(final[plain], examples, fit.STOPPED.__getitem__),
            }
        )
    return found


def _originals(data: Table) -> int:
    return len({each.id for each in data.examples})


def _heads(
    data: Table, lexicon: Lexicon, subs: Sequence[tuple[int, str]], lines: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    concepts = len(lexicon.concepts)
    twos = count_pairs(concepts)
    weights, bias = fit.fit_lines(data, data.linear, fit.STRENGTH["linear"])
    edges = np.cumsum([concepts, twos, lexicon_triples(concepts)])
    named, pairs, triples, grams = np.split(weights, edges, axis=1)
    found = {
        "linear.bias": bias,
        "linear.concepts": named * SCALES["concepts"],
        "linear.pairs": pairs * SCALES["pairs"],
        "linear.triples": triples * SCALES["triples"],
        "linear.grams": grams * SCALES["grams"],
    }
    weights, bias = fit.fit_lines(data, data.dense, fit.STRENGTH["vector"])
    for line, sub in subs:
        own, shift = _sub(data, lines[line], sub)
        weights, bias = np.vstack([weights, own]), np.append(bias, shift)
    vector, named, pairs = np.split(weights, [_WIDTH, _WIDTH + concepts], axis=1)
    return found | {
        "vector.bias": bias,
        "vector.vector": vector,
        "vector.concepts": named * SCALES["concepts"],
        "vector.pairs": pairs * SCALES["pairs"],
    }


def lexicon_triples(concepts: int) -> int:
    """Return how many triples of concepts there are."""
    return concepts * (concepts - 1) * (concepts - 2) // 6


def _sub(data: Table, line: str, sub: str) -> tuple[NDArray[np.float64], float]:
    """Fit one sub-class against the others of its line."""
    own = np.array([each.line_id == line and each.label == VIOLATE for each in data.examples])
    wanted = np.array([each.sub == sub for each in data.examples], np.int8)
    return fit.fit(data.dense[own], wanted[own], fit.STRENGTH["sub"])


def _quantised(
    heads: dict[str, NDArray[np.float64]],
) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
    arrays: dict[str, NDArray[Any]] = {}
    scales = {}
    for name, each in heads.items():
        kind, top = (
            (np.int16, 32767) if name.startswith("vector.") or each.ndim == 1 else (np.int8, 127)
        )
        scale = float(np.abs(each).max()) / top or 1.0
        arrays[name] = np.ascontiguousarray(np.rint(each / scale).astype(kind).T)
        scales[name] = scale
    return arrays, scales


def _real(examples: Sequence[Example]) -> list[str]:
    """Return the words of the examples that are near enough to others to be taken for them."""
    found = {word for each in examples for word in _WORD.findall(each.text.lower())}
    return sorted(found)


def _packed(words: Any) -> NDArray[np.uint8]:
    text = json.dumps(words, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return np.frombuffer(zlib.compress(text.encode(), 9), np.uint8)


__all__ = ["VERSION", "LinearHead", "VectorHead", "build"]
