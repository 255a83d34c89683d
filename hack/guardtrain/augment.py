"""Variants of an example that mean the same: what they add must not become evidence.

Every choice is drawn from the example's id, so that training is the same on every run.
"""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from guardtrain.corpus import ORDINARY, Example

_WRAPPERS = Path(__file__).with_name("wrappers.txt")
_NEAR = 140
"""Characters of a document's sentence that may stand in one window with a request."""
_KEYS = ("task", "prompt", "instruction", "query", "content")


def augmented(examples: Sequence[Example], documents: Sequence[Example]) -> list[Example]:
    """Return each example, wrapped, turned in one more way, and within documents."""
    wrappers = _wrappers()
    plain: dict[str, list[str]] = {}
    for each in examples:
        if each.label == ORDINARY:
            plain.setdefault(each.language, []).append(each.text)
    around: dict[str, list[str]] = {}
    for each in documents:
        if len(each.text) <= _NEAR:
            around.setdefault(each.language, []).append(each.text)
    found = []
    for each in examples:
        dice = random.Random(each.id)  # noqa: S311 - repeatable on purpose
        beside = plain.get(each.language, [""])
        found += [
            each,
            *(replace(each, text=text) for text in _variants(each, dice, wrappers, beside)),
            replace(each, text=_within(each.text, around[each.language], dice)),
        ]
    return found


def _variants(
    each: Example, dice: random.Random, wrappers: dict[str, list[str]], beside: list[str]
) -> Iterable[str]:
    own = wrappers.get(each.language, [])
    yield dice.choice(own or wrappers["en"]).replace("{}", each.text)
    turned = (
        dice.choice(wrappers["en"]).replace("{}", each.text),
        _misspelt(each.text, dice),
        dice.choice(_JOINS)(each.text, dice.choice(beside), dice),
    )
    yield dice.choice(turned)


def _before(text: str, other: str, _dice: random.Random) -> str:
    return f"{other} {text}"


def _after(text: str, other: str, _dice: random.Random) -> str:
    return f"{text}\n{other}"


def _within(text: str, around: Sequence[str], dice: random.Random) -> str:
    before, after = dice.choice(around), dice.choice(around)
    return dice.choice((f"{before} {text}", f"{text}\n{after}", f"{before}\n{text} {after}"))


def _as_json(text: str, _other: str, dice: random.Random) -> str:
    item = {"id": dice.randrange(1000), dice.choice(_KEYS): text, "format": "text"}
    return json.dumps(item, ensure_ascii=False)


def _as_code(text: str, _other: str, dice: random.Random) -> str:
    return dice.choice(('def main():\n    """{}"""\n', "# {}\nimport sys\n", "print('{}')")).format(
        text
    )


_JOINS: tuple[Callable[[str, str, random.Random], str], ...] = (
    _before,
    _before,
    _after,
    _after,
    _as_json,
    _as_code,
)


def _misspelt(text: str, dice: random.Random) -> str:
    """Swap, drop or double a letter in every sixth word or so."""
    words = text.split(" ")
    for i, word in enumerate(words):
        if len(word) > 3 and dice.random() < 1 / 6:  # noqa: PLR2004 - short words stay readable
            at = dice.randrange(1, len(word) - 1)
            a, b = word[at], word[at + 1]
            words[i] = word[:at] + dice.choice((b + a, b, a + a + b)) + word[at + 2 :]
    return " ".join(words)


def _wrappers() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in _WRAPPERS.read_text().splitlines():
        language, bar, text = line.partition(" | ")
        if bar and not line.startswith("#"):
            found.setdefault(language, []).append(text)
    return found
