"""How long a judgement takes, by length of the text and by how much of the guard is at work."""

import random
import statistics
import time
from collections.abc import Callable

from casemate import guardfiles, judges
from casemate.guard.judge import Judge
from casemate.guard.types import Policy
from casemate.guard.views import views

LENGTHS = {"10 words": 10, "100 words": 100, "1 KB": 170, "400 words": 400}
Quantiles = tuple[float, float, float]
"""p50, p95 and p99 in milliseconds."""
_ROUNDS = 200
_WORDS = (
    "please summarise the report on roads and bridges for our meeting next monday with all teams",
    "who plan repair supply water bread school hospital budget table map letter order train grain",
)


def by_tier() -> dict[str, dict[str, Quantiles]]:
    """Return the quantiles of new texts, by tier and length; each tier includes those before."""
    bundle = judges.bundle_of(guardfiles.shipped())
    policy, vectors = Policy(), judges.vectors(bundle)

    def unfold(text: str) -> object:
        return views(text, words=bundle.lexicon.words, real=bundle.real)

    tiers: dict[str, Callable[[], Callable[[str], object]]] = {
        "views": lambda: unfold,
        "and lexicon, n-grams": lambda: Judge(bundle, policy).text,
        "and sentence encoder": lambda: Judge(bundle, policy, vectors).text,
    }
    return {
        name: {length: _quantiles(made(), words) for length, words in LENGTHS.items()}
        for name, made in tiers.items()
    }


def _quantiles(judge: Callable[[str], object], words: int) -> Quantiles:
    times = []
    for seed in range(_ROUNDS):
        text = _text(words, seed)
        began = time.perf_counter()
        judge(text)
        times.append((time.perf_counter() - began) * 1000)
    cut = statistics.quantiles(times, n=100, method="inclusive")
    return cut[49], cut[94], cut[98]


def _text(words: int, seed: int) -> str:
    """Return a text whose sentences were not judged before: remembered ones would cost nothing."""
    draw = random.Random(seed)  # noqa: S311  no secret
    known = " ".join(_WORDS).split()
    many = [draw.choice(known) for _ in range(words)]
    return ". ".join(" ".join(many[at : at + 14]) for at in range(0, words, 14))
