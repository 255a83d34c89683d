"""What a text asks for, as far as it crosses a red line: tiers from cheap to costly.

The linear tier sees every text; a finding of it names the lexicon where concepts alone would have
been enough. What it is not sure of either way goes to the vector of a sentence embedder; that may
lift a doubtful score or lower an uncertain one, and never undoes a certain one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from casemate.guard.bundle import Bundle, Levels
from casemate.guard.features import Features, features
from casemate.guard.folding import fold
from casemate.guard.heads import probability
from casemate.guard.language import Language

Vectors = Callable[[Sequence[str]], NDArray[np.float32]]
"""Turns texts into vectors, a row each."""
Found = tuple[str, str, str, float]  # line, sub-class, tier, score 0..1


@dataclass(frozen=True, slots=True)
class Detection:
    """What was found in one text."""

    findings: tuple[Found, ...]
    language: str  # "" if nothing tells
    covered: bool  # False: in a language that the bundle has no figures for


def detect(bundle: Bundle, texts: Sequence[str], vectors: Vectors | None = None) -> list[Detection]:
    """Return the findings in canonical texts; without `vectors` the linear tier decides alone."""
    looks = _first(bundle, texts) if texts else []
    if vectors is None:
        return [look.detection(_linear(bundle, look, alone=True)) for look in looks]
    doubtful = [i for i, look in enumerate(looks) if _doubtful(bundle, look.scores)]
    rows = dict(
        zip(doubtful, vectors([texts[i] for i in doubtful]) if doubtful else (), strict=True)
    )
    return [
        look.detection(
            _combined(bundle, look, rows[i]) if i in rows else _linear(bundle, look, alone=False)
        )
        for i, look in enumerate(looks)
    ]


@dataclass(frozen=True, slots=True)
class _Look:
    """What the linear tier made of one text: its evidence, and by line its number and score."""

    language: Language
    found: Features
    logits: NDArray[np.float32]
    scores: list[float]

    def detection(self, findings: tuple[Found, ...]) -> Detection:
        return Detection(findings, self.language.code, self.language.covered)


def _first(bundle: Bundle, texts: Sequence[str]) -> list[_Look]:
    folded = [fold(text) for text in texts]
    found = features(folded, bundle.lexicon, bundle.grams)
    logits = bundle.linear.logits(found)
    slopes = np.array([level.linear[0] for level in bundle.levels], np.float32)
    shifts = np.array([level.linear[1] for level in bundle.levels], np.float32)
    scores = probability(slopes * logits + shifts).tolist()
    languages = map(bundle.identify.identify, texts, folded)
    return list(map(_Look, languages, found, logits, scores))


def _doubtful(bundle: Bundle, scores: Sequence[float]) -> bool:
    return any(
        level.floor <= each < level.certain
        for level, each in zip(bundle.levels, scores, strict=True)
    )


def _linear(bundle: Bundle, look: _Look, *, alone: bool) -> tuple[Found, ...]:
    bars = [level.alone if alone else level.certain for level in bundle.levels]
    return tuple(
        (line, "", _tier(bundle, look, at, bar), score)
        for at, (line, bar, score) in enumerate(zip(bundle.lines, bars, look.scores, strict=True))
        if score >= bar
    )


def _tier(bundle: Bundle, look: _Look, at: int, bar: float) -> str:
    """Return which evidence was enough: the lexicon's concepts, or only n-grams with them."""
    slope, shift = bundle.levels[at].linear
    named = float(bundle.linear.named(look.found)[at])
    return "lexicon" if probability(slope * named + shift) >= bar else "linear"


def _combined(bundle: Bundle, look: _Look, vector: NDArray[np.float32]) -> tuple[Found, ...]:
    outputs = bundle.vector.logits(vector, look.found)
    subs = _subs(bundle, outputs)
    findings = []
    for i, (line, level) in enumerate(zip(bundle.lines, bundle.levels, strict=True)):
        first = look.scores[i]
        score = _final(level, float(look.logits[i]), float(outputs[i]))
        if first >= level.certain:
            tier = _tier(bundle, look, i, level.certain)
            findings.append((line, subs[i], tier, max(score, first)))
        elif score >= level.threshold:
            findings.append((line, subs[i], "embedder", score))
    return tuple(findings)


def _final(level: Levels, linear: float, vector: float) -> float:
    a, b, c = level.final
    return float(probability(a * linear + b * vector + c))


def _subs(bundle: Bundle, outputs: NDArray[np.float32]) -> list[str]:
    """Return the likeliest sub-class of every line."""
    scores = outputs[len(bundle.lines) :]
    best = []
    for line in range(len(bundle.lines)):
        ours = [
            (float(s), sub) for s, (at, sub) in zip(scores, bundle.subs, strict=True) if at == line
        ]
        best.append(max(ours)[1] if ours else "")
    return best
