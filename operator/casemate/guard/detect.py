"""What a text asks for, as far as it crosses a red line: tiers from cheap to costly.

The linear tier sees every text. What it is not sure of either way goes to the vector of a sentence
embedder; that may lift a doubtful score or lower an uncertain one, and never undoes a certain one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from casemate.guard.bundle import Bundle, Levels
from casemate.guard.features import Features, features
from casemate.guard.folding import fold
from casemate.guard.heads import probability

Vector = Callable[[str], NDArray[np.float32]]
Found = tuple[str, str, str, float]  # line, sub-class, tier, score 0..1


@dataclass(frozen=True, slots=True)
class Detection:
    """What was found in one text."""

    findings: tuple[Found, ...]
    language: str  # "" if nothing tells
    covered: bool  # False: in a language that the bundle has no figures for


def detect(bundle: Bundle, text: str, vector: Vector | None = None) -> Detection:
    """Return the findings in a canonical text; without `vector` the linear tier decides alone."""
    folded = fold(text)
    language = bundle.identify.identify(text, folded)
    found = features(folded, bundle.lexicon, bundle.grams)
    logits = bundle.linear.logits(found)
    first = [
        probability(float(level.linear[0] * each + level.linear[1]))
        for level, each in zip(bundle.levels, logits, strict=True)
    ]
    doubtful = any(
        level.floor <= each < level.certain
        for level, each in zip(bundle.levels, first, strict=True)
    )
    if vector is None or not doubtful:
        findings = _linear(bundle, first, alone=vector is None)
    else:
        findings = _combined(bundle, found, first, logits, vector(text))
    return Detection(findings, language.code, language.covered)


def _linear(bundle: Bundle, first: list[float], *, alone: bool) -> tuple[Found, ...]:
    return tuple(
        (line, "", "linear", score)
        for line, level, score in zip(bundle.lines, bundle.levels, first, strict=True)
        if score >= (level.alone if alone else level.certain)
    )


def _combined(
    bundle: Bundle,
    found: Features,
    first: list[float],
    linear: NDArray[np.float32],
    vector: NDArray[np.float32],
) -> tuple[Found, ...]:
    outputs = bundle.vector.logits(vector, found)
    subs = _subs(bundle, outputs)
    findings = []
    for i, (line, level) in enumerate(zip(bundle.lines, bundle.levels, strict=True)):
        score = _final(level, float(linear[i]), float(outputs[i]))
        if first[i] >= level.certain:
            findings.append((line, subs[i], "linear", max(score, first[i])))
        elif score >= level.threshold:
            findings.append((line, subs[i], "embedder", score))
    return tuple(findings)


def _final(level: Levels, linear: float, vector: float) -> float:
    a, b, c = level.final
    return probability(a * linear + b * vector + c)


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
