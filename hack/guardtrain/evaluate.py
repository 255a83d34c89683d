"""Judges the frozen holdout as a gateway would, and counts; texts are never printed."""

from collections.abc import Callable, Iterable

from casemate import guardfiles, judges
from casemate.guard.judge import Judge
from casemate.guard.types import Verdict
from casemate.policyfile import PolicyFile
from guardtrain.corpus import LINES, UNSEEN, VIOLATE, Example, corpus
from guardtrain.disguises import ANYWHERE, DISGUISES
from guardtrain.rates import Rates


def holdout() -> list[Example]:
    """Return the examples that nothing was trained or chosen by."""
    return [each for each in corpus() if each.part == "holdout"]


def unseen() -> list[Example]:
    """Return the requests of the author from whom nothing was learnt, not even what to train on."""
    return corpus(UNSEEN)


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


def plain(
    judge: Judge,
    examples: Iterable[Example],
    column: Callable[[Example], str] = lambda each: each.language,
) -> Rates:
    """Return the rates by language or another column, and over all in column `all`."""
    rates = Rates()
    for each in examples:
        good = stopped_right(each, judge.text(each.text).verdict)
        rates.add(row_of(each), column(each), good=good)
        rates.add(row_of(each), "all", good=good)
    return rates


def disguised(judge: Judge, examples: Iterable[Example]) -> dict[str, Rates]:
    """Return by disguise the rates by language: in English all disguises, in others the neutral."""
    rates = {name: Rates() for name in DISGUISES}
    for each in examples:
        for name in DISGUISES if each.language == "en" else ANYWHERE:
            verdict = judge.text(DISGUISES[name](each.text)).verdict
            rates[name].add(row_of(each), each.language, good=stopped_right(each, verdict))
    return rates
