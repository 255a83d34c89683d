"""The corpus in guard/data, and which part of it each family belongs to.

Families are split, never lines: two lines of one family say the same thing in other words. A
family's part follows from its name alone, so that it never moves when lines are added.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from casemate.guard.lexicon import read

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "guard" / "data"
UNSEEN = ROOT / "guard" / "unseen"
"""By an author whose requests are for measurement alone: nothing is trained or chosen by them."""
LINES = {"surveillance": "domestic-mass-surveillance", "force": "use-of-force"}
VIOLATE, LAWFUL, ORDINARY = "violate", "lawful", "ordinary"
FOLDS = 5
_AUTHORS = {
    "b": "second",
    "c": "third",
    "d": "fourth",
    "e": "fifth",
    "x": "sixth",
    "g": "seventh",
    "h": "eighth",
    "j": "ninth",
    "k": "tenth",
    "n": "eleventh",
    "p": "twelfth",
    "q": "thirteenth",
    "r": "fourteenth",
    "t": "fifteenth",
}
"""By an id's second part; the first author's ids have none."""
EARLY = ("first", "second", "third")
"""Who wrote before the guard was measured for the first time."""
AUTHORS = ("first", *_AUTHORS.values())
_PARTS = ((70, "train"), (85, "dev"), (100, "holdout"))


@dataclass(frozen=True, slots=True)
class Example:
    """One line of the corpus."""

    id: str
    language: str
    line: str  # surveillance, force or none
    sub: str
    family: str
    label: str
    text: str

    @property
    def line_id(self) -> str:
        """Return the red line that the text crosses; empty if none."""
        return LINES[self.line] if self.label == VIOLATE else ""

    @property
    def group(self) -> str:
        """Return what is never split: a family with its twins, in all languages that name it so."""
        return f"{self.line}/{self.sub}/{self.family.removesuffix('-lawful')}"

    @property
    def part(self) -> str:
        """Return train, dev or holdout."""
        share = _number(self.group) % 100
        return next(name for limit, name in _PARTS if share < limit)

    @property
    def author(self) -> str:
        """Return who wrote it."""
        return _AUTHORS.get(self.id.split("-")[1], "first")

    @property
    def fold(self) -> int:
        """Return the number of the cross-validation fold."""
        return _number("fold/" + self.group) % FOLDS


def corpus(data: Path = DATA) -> list[Example]:
    """Return all lines, in the order of languages and files."""
    return [
        each
        for file in sorted(data.rglob("*.jsonl"))
        if file.parent.name != "prose"
        for each in _file(file)
    ]


def lexicon(data: Path = DATA) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the terms by language and concept."""
    return {each.stem: read(each.read_text()) for each in sorted((data / "lexicon").glob("*.txt"))}


def without(examples: Iterable[Example], part: str) -> list[Example]:
    """Return the examples of the other parts."""
    return [each for each in examples if each.part != part]


def _file(file: Path) -> Iterable[Example]:
    for number, line in enumerate(file.read_text().splitlines(), 1):
        try:
            item = json.loads(line)
            fields = (item[name] for name in ("id", "line", "sub", "family", "label", "text"))
            identity, *others = map(str, fields)
        except (ValueError, KeyError) as error:
            raise SystemExit(f"{file}:{number}: {error}") from error
        yield Example(identity, file.stem, *others)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
