"""Text that somebody else wrote, for people's eyes: whatever cannot be seen is spelled out.

A letter that cannot be seen, or that moves others, may be what a model reads and a person does not.
So each is shown as its code point in brackets, `⟦U+202E⟧`, and so is an opening bracket of that
kind in the text itself: nothing in a text looks like what is spelled out here.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

OPENS, CLOSES = "⟦", "⟧"
ISOLATE, END = "\u2068", "\u2069"
"""First-strong isolate: what stands inside moves nothing outside."""
MOST_MARKS = 3
"""Marks on one letter that a script may take; more climb into the lines above and below."""

# Of categories that are seen otherwise: fillers of Hangul and Khmer, selectors of variants, blanks.
_BLANK = {
    *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0x16FE4, 0x1D159),
    *range(0x180B, 0x1810),
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
}
_MARKS = {"Mn", "Me", "Mc"}
_RIGHT_TO_LEFT = {"R", "AL", "AN"}
_LAYOUT = {"\n", "\t", " "}
_TAB = 8


class Span(NamedTuple):
    """A piece of a line that is safe to show anywhere."""

    text: str
    spelled: bool = False
    """Whether it stands for characters that cannot be seen, and not for itself."""


def unseen(character: str) -> bool:
    """Whether a character cannot be seen, looks like a plain blank, or changes others' direction.

    Line feeds, tabs and spaces are layout, and no letter of any script is meant: categories of
    control, format, surrogate, private and unassigned characters, all blanks but the space, and
    what is drawn as nothing.
    """
    if character in _LAYOUT:
        return False
    return not character.isprintable() or ord(character) in _BLANK


def hidden(texts: Iterable[str]) -> dict[str, int]:
    """Return how many characters of texts cannot be seen, by `named`, the most frequent first."""
    counts = Counter(one for text in texts for one in text if unseen(one))
    return {named(one): count for one, count in counts.most_common()}


def named(character: str) -> str:
    """Return a character's code point and name, such as `U+200B ZERO WIDTH SPACE`."""
    point = f"U+{ord(character):04X}"
    if 0xE0000 <= ord(character) <= 0xE007F:  # noqa: PLR2004  the block of tags
        return f"{point} TAG"
    return f"{point} {unicodedata.name(character, _kind(character))}"


def spans(line: str) -> Iterator[Span]:
    """Yield the pieces of one line; a line feed in it is spelled out as well.

    Characters that come in runs are spelled once, with their number: `⟦U+200B*40⟧`.
    """
    for spelled, run in groupby(_judged(line), key=lambda one: one[1]):
        text = "".join(character for character, _ in run)
        if not spelled:
            yield Span(text)
            continue
        for character, same in groupby(text):
            yield Span(_code(character, sum(1 for _ in same)), spelled=True)


def plain(line: str) -> str:
    """Return one line of text with everything spelled out that cannot be seen."""
    return "".join(one.text for one in spans(line))


def isolated(line: str) -> str:
    """Return a line that is safe to show, closed off if any of it is read from right to left."""
    if any(unicodedata.bidirectional(one) in _RIGHT_TO_LEFT for one in line):
        return f"{ISOLATE}{line}{END}"
    return line


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes at most."""
    return sum(_columns(one) for one in text)


def _columns(character: str) -> int:
    if character == "\t":
        return _TAB
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    # Ambiguous ones are wide in some terminals.
    return 1 if unicodedata.east_asian_width(character) in {"N", "Na", "H"} else 2


def _judged(line: str) -> Iterator[tuple[str, bool]]:
    """Yield each character, and whether it is spelled out."""
    marks, base = 0, False
    for one in line:
        mark = unicodedata.category(one) in _MARKS
        marks = marks + 1 if mark else 0
        spelled = unseen(one) or one in f"\n{OPENS}" or (mark and (not base or marks > MOST_MARKS))
        # A mark needs a letter that is there: else it is drawn over what stands before the line.
        base = base if mark else not spelled
        yield one, spelled


def _code(character: str, times: int) -> str:
    more = f"*{times}" if times > 1 else ""
    return f"{OPENS}U+{ord(character):04X}{more}{CLOSES}"


def _kind(character: str) -> str:
    kinds = {"Cc": "CONTROL", "Co": "PRIVATE USE", "Cn": "UNASSIGNED", "Cs": "SURROGATE"}
    return kinds.get(unicodedata.category(character), "WITHOUT A NAME")
