"""Ordinary text that asks for nothing: what a heads' window meets in a document, by the thousand.

Requests are short; documents are long, and each of their windows is one more chance to be wrong.
"""

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from casemate.guard.views import canonical
from casemate.guard.windows import windows
from guardtrain.corpus import DATA, ORDINARY, VIOLATE, Example

PROSE = DATA / "prose"
_JOINED = 3
"""Harmless requests that stand together in one window."""


def prose(folder: Path = PROSE) -> list[Example]:
    """Return the windows of all documents, by language and document."""
    return [each for file in sorted(folder.glob("*.jsonl")) for each in _file(file)]


def together(examples: Sequence[Example], seed: int) -> list[Example]:
    """Return windows of harmless requests that have nothing to do with one another."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    found = []
    by_language: defaultdict[str, list[Example]] = defaultdict(list)
    for each in examples:
        if each.label != VIOLATE:
            by_language[each.language].append(each)
    for language, own in sorted(by_language.items()):
        for number, each in enumerate(own):
            others = dice.sample([one for one in own if one.fold == each.fold], _JOINED - 1)
            text = " ".join(one.text for one in (each, *others))
            name = f"{language}-together-{number:05d}"
            joined = replace(each, id=name, text=text, label=ORDINARY)
            found += [one for one in _windows(joined) if len(one.text) > len(each.text)]
    return found


def _file(file: Path) -> Iterator[Example]:
    for line in file.read_text().splitlines():
        item = json.loads(line)
        whole = Example(
            item["id"], file.stem, "none", "", item["family"], ORDINARY, canonical(item["text"])
        )
        yield from _windows(whole)


def _windows(whole: Example) -> Iterator[Example]:
    for number, window in enumerate(windows(whole.text)):
        yield replace(whole, id=f"{whole.id}-{number}", text=window.text)
