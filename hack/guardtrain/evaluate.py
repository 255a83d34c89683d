"""Judges the frozen holdout as a gateway would, and counts; texts are never printed."""

import math
import random
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from casemate import guardfiles, judges
from casemate.guard.judge import Judge
from casemate.guard.types import Verdict
from casemate.policyfile import PolicyFile
from guardtrain.corpus import LINES, VIOLATE, Example, corpus
from guardtrain.disguises import DISGUISES

_Z = 1.959964
"""Of a two-sided 95 % interval."""
_WORDS = (
    "please summarise the report on roads and bridges for our meeting next monday with all teams",
    "who plan repair supply water bread school hospital budget table map letter order train grain",
)


@dataclass
class Rate:
    """How often something came out as it must.

    Attributes:
        good: Cases that did.
        all: All cases.
    """

    good: int = 0
    all: int = 0

    def add(self, *, good: bool) -> None:
        """Count a case."""
        self.good += good
        self.all += 1

    @property
    def percent(self) -> float:
        """The rate."""
        return 100 * self.good / self.all if self.all else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """Wilson's bounds of the rate at 95 %, in percent."""
        if not self.all:
            return 0.0, 100.0
        share, n = self.good / self.all, self.all
        centre = share + _Z * _Z / (2 * n)
        spread = _Z * math.sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
        scale = 1 + _Z * _Z / n
        return 100 * max(0.0, centre - spread) / scale, 100 * min(1.0, (centre + spread) / scale)


@dataclass
class Rates:
    """Rates by row and column."""

    cells: dict[tuple[str, str], Rate] = field(default_factory=lambda: defaultdict(Rate))

    def add(self, row: str, column: str, *, good: bool) -> None:
        """Count a case."""
        self.cells[row, column].add(good=good)


def holdout() -> list[Example]:
    """Return the examples that nothing was trained or chosen by."""
    return [each for each in corpus() if each.part == "holdout"]


def shipped() -> Judge:
    """Return the judge of the built-in lines with the bundle that ships."""
    return judges.judge(guardfiles.shipped(), PolicyFile())[0]


def stopped_right(example: Example, verdict: Verdict) -> bool:
    """Whether a verdict is what an example must get."""
    if example.label != VIOLATE:
        return verdict is Verdict.ALLOW
    if example.line == "surveillance":
        return verdict is Verdict.REFUSE
    return verdict is not Verdict.ALLOW


def row_of(example: Example) -> str:
    """Return the row of the tables that an example belongs to."""
    return LINES[example.line] if example.label == VIOLATE else example.label


def plain(judge: Judge, examples: Iterable[Example]) -> Rates:
    """Return the rates by language, and over all in column `all`."""
    rates = Rates()
    for each in examples:
        good = stopped_right(each, judge.text(each.text).verdict)
        rates.add(row_of(each), each.language, good=good)
        rates.add(row_of(each), "all", good=good)
    return rates


def disguised(judge: Judge, examples: Iterable[Example]) -> Rates:
    """Return the rates of English examples by disguise."""
    rates = Rates()
    for each in examples:
        if each.language != "en":
            continue
        for name, disguise in DISGUISES.items():
            verdict = judge.text(disguise(each.text)).verdict
            rates.add(row_of(each), name, good=stopped_right(each, verdict))
    return rates


def latencies() -> dict[str, tuple[float, float, float]]:
    """Return p50, p95 and p99 in milliseconds of new texts, by length."""
    judge = shipped()
    return {
        name: _quantiles(lambda n, words=words: judge.text(_text(words, n)))  # type: ignore[misc]
        for name, words in (("10 words", 10), ("100 words", 100), ("1 KB", 170), ("400 words", 400))
    }


def resident() -> int:
    """Return the most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _text(words: int, seed: int) -> str:
    """Return a text whose sentences were not judged before: remembered ones would cost nothing."""
    draw = random.Random(seed)  # noqa: S311  no secret
    known = " ".join(_WORDS).split()
    many = [draw.choice(known) for _ in range(words)]
    return ". ".join(" ".join(many[at : at + 14]) for at in range(0, words, 14))


def _quantiles(run: Callable[[int], object], rounds: int = 200) -> tuple[float, float, float]:
    times = []
    for n in range(rounds):
        began = time.perf_counter()
        run(n)
        times.append((time.perf_counter() - began) * 1000)
    cut = statistics.quantiles(times, n=100, method="inclusive")
    return cut[49], cut[94], cut[98]
