"""The model card: written by `eval`, held against what ships by `verify`."""

import json
from collections.abc import Mapping, Sequence

from casemate import guardfiles
from casemate.guard.judge import Judge
from guardtrain import curve, evaluate, latency
from guardtrain import tables as t
from guardtrain.corpus import AUTHORS, EARLY, ROOT, Example
from guardtrain.rates import Rate, Rates

CARD, FIGURES = ROOT / "docs" / "model-card.md", ROOT / "docs" / "model-card.json"
ALLOWED_DROP = 2.0
"""Points by which a rate may fall below the committed one."""
_INTRO = """# Model card of the guard

Written by `make eval-guard`; `make verify` fails when a rate falls by more than {drop:g} points, or
the bundle is another one.

- **What it is for:** to tell requests that cross the two red lines from lawful work, in eight
  languages, as one layer of [the guard](guard.md). It sees stated intent, not misuse that is spread
  over harmless steps.
- **Bundle:** `{digest}`, version {version}, {size} KiB. Lexicon, linear heads on concepts and
  character n-grams, a network on a multilingual sentence encoder ([ADR 12](adr/0012-embedder.md))
  whose upper layers are tuned with it ([ADR 17](adr/0017-tuned-encoder.md)).
- **Data:** [guard/data](../guard/data/README.md), split by families of ideas; the figures below are
  of the families that nothing was trained or chosen by. Synthetic, by {authors} authors, not
  reviewed by native speakers of all languages; no request of a real user is among it. The third
  author's are hard on purpose: policies that name the lines to forbid them, single steps of larger
  plans; those of the fourth to sixth are of the kinds that were missed before they wrote.
- **Elsewhere:** requests that only look harmful, and jailbreak texts, are measured on
  [public sets](public-sets.md).
- **Not measured:** languages beyond the eight, adaptive attackers.
"""
_UNSEEN = """
## By an author from whom nothing was learnt

Of all figures here the nearest to what strangers will see: these
[requests](../guard/unseen/README.md) were written after the bundle was trained, by an author who
knew neither it nor the corpus.

"""
_CURVE = """
## At an equal share of false positives

Caught if the bars let {share:.0%} of the harmless texts (lawful twins and everyday requests) be
stopped for a line: what compares bundles, whose bars differ. Texts as a whole, without windows.

"""
_AUTHORS = """
## By author

Who an author is changes the figures more than the language does: expect of requests by others what
the worst of these say, and measure with [your own](cli.md).

"""
_EARLY = """
## The first three authors alone

These families are the same in every card; the later authors wrote after the first cards.

"""
_DISGUISED = """
## Disguised, in English

Training puts requests of every label into novels, roles, poems, research and ordinary text, in
other words than these.

"""
_ELSEWHERE = """
## Disguised, by language

Words that a disguise puts around a text are English.

"""
_TIME = """
## Time

Of texts that were not seen before, on {cores} cores with a load of {load:.1f}; each tier includes
those before it. What a gateway takes is in [its documentation](guard.md#what-it-costs).

"""


def write() -> None:
    """Measure everything and write the card."""
    judge, examples = evaluate.shipped(), evaluate.holdout()
    raw = guardfiles.shipped()
    digest, version = guardfiles.identity(raw)
    about = {"digest": digest, "version": version, "size": len(raw) // 1024}
    text = _INTRO.format(drop=ALLOWED_DROP, authors=len(AUTHORS), **about)
    plain = evaluate.plain(judge, examples)
    text += "\n## By language\n\n" + t.table(plain) + "\n" + t.missed(_totals(plain))
    text += _UNSEEN + t.table(evaluate.plain(judge, evaluate.unseen()))
    text += _curve(examples) + _authors(judge, examples) + _subs(judge, examples)
    early = [each for each in examples if each.author in EARLY]
    text += _EARLY + t.table(evaluate.plain(judge, early))
    disguised = evaluate.disguised(judge, examples)
    text += _DISGUISED + t.english(disguised) + _ELSEWHERE + t.by_language(disguised)
    text += t.times(_TIME, latency.by_tier())
    CARD.write_text(text)
    rates = {name: round(rate.percent, 2) for name, rate in _totals(plain).items()}
    FIGURES.write_text(json.dumps({"bundle": digest, "rates": rates}, indent=2) + "\n")
    print(text)


def verify() -> str:
    """Return why the committed card does not hold for what ships; empty if it does."""
    committed = json.loads(FIGURES.read_text())
    digest, _ = guardfiles.identity(guardfiles.shipped())
    if committed["bundle"] != digest:
        return (
            f"docs/model-card.md is of bundle {committed['bundle']}, not {digest}: make eval-guard"
        )
    now = _totals(evaluate.plain(evaluate.shipped(), evaluate.holdout()))
    return worse(committed["rates"], {name: rate.percent for name, rate in now.items()})


def worse(committed: Mapping[str, float], now: Mapping[str, float]) -> str:
    """Return a sentence about each rate that fell too far, or is missing."""
    fallen = [
        f"{name}: {now.get(name, 0.0):.1f} %, was {before:.1f} %"
        for name, before in committed.items()
        if now.get(name, 0.0) < before - ALLOWED_DROP
    ]
    return "; ".join(fallen)


def _curve(examples: Sequence[Example]) -> str:
    rates = curve.caught(examples, curve.scores(examples))
    return _CURVE.format(share=curve.SHARE) + t.table(rates, t.LINES)


def _authors(judge: Judge, examples: Sequence[Example]) -> str:
    rates = evaluate.plain(judge, examples, lambda each: each.author)
    return _AUTHORS + t.turned(rates, AUTHORS)


def _subs(judge: Judge, examples: Sequence[Example]) -> str:
    topics = [each for each in examples if each.sub]
    rates = evaluate.plain(judge, topics, lambda each: each.sub)
    names = sorted({each.sub for each in topics})
    return "\n## By sub-class\n\n" + t.by_sub(rates, names)


def _totals(rates: Rates) -> dict[str, Rate]:
    return {row: rates.cells[row, "all"] for row in t.TARGETS}
