"""Texts with some stretches replaced."""

import re
from collections.abc import Callable

_WORD = re.compile(r"[^\W\d_]{5,}")


def placed(text: str, pieces: list[tuple[int, int, str]]) -> str:
    """The text with each stretch replaced."""
    parts, done = [], 0
    for start, end, new in pieces:
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])


def exchanged(text: str, known: Callable[[str], str | None]) -> str:
    """The text with its words replaced by what they are known as."""
    return _WORD.sub(lambda match: known(match[0].lower()) or match[0], text)
