"""Cuts a text into windows: a long harmless one dilutes no short one.

A short text is one window. In a longer one, a window is a group of neighbouring sentences, as many
as fit; it shares its end with the next, so that two sentences that mean something together are
seen together. Each sentence is a window too. How much fits does not depend on punctuation: a full
stop behind every word would otherwise cut a request into harmless words.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

SHORT = 320
"""The width of a window, in letters of an alphabet: about three sentences."""
OVERLAP = 120
"""What neighbouring groups share, at least the last sentence."""
LEAST = 24
"""A narrower sentence says nothing by itself."""
_EAST = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_EXTRA = 2
"""How much more than a letter of an alphabet a character of East Asia says."""
# A stop inside a word ends nothing, nor does the end of a line where a small letter follows.
_SENTENCE = re.compile(
    r"(?:[^.!?\u2026\u3002\uff01\uff1f\u061f\u0964;\n]|[.!?;](?=\w)|\n(?=[a-z\u00df-\u00ff\u0430-\u044f]))+"
    r"[.!?\u2026\u3002\uff01\uff1f\u061f\u0964;\n\s]*"
)


class Part(Enum):
    """What a window is of the text it was cut from."""

    WHOLE = "whole"
    GROUP = "group"
    SENTENCE = "sentence"


class Window(NamedTuple):
    """A part of a text that is judged at once."""

    text: str
    part: Part = Part.WHOLE


def windows(text: str) -> Iterator[Window]:
    """Yield the windows of a text; together they cover all of it, at most about four times."""
    if width(text) <= SHORT:
        if text.strip():
            yield Window(text)
        return
    held: list[tuple[str, int]] = []
    for piece in _pieces(text):
        wide = width(piece)
        if wide >= LEAST:
            yield Window(piece, Part.SENTENCE)
        if held and sum(each for _, each in held) + wide > SHORT:
            yield _group(held)
            held = _shared(held, SHORT - wide)
        held.append((piece, wide))
    if held:
        yield _group(held)


def width(text: str) -> int:
    """Return how much a text says, in letters of an alphabet."""
    return len(text) if text.isascii() else len(text) + _EXTRA * len(_EAST.findall(text))


def _group(held: list[tuple[str, int]]) -> Window:
    return Window("".join(piece for piece, _ in held), Part.GROUP)


def _shared(held: list[tuple[str, int]], room: int) -> list[tuple[str, int]]:
    """Return the end of a group that the next one begins with: it leaves room for what follows."""
    total, begin = 0, len(held)
    while begin and total < OVERLAP and total + held[begin - 1][1] <= min(room, SHORT // 2):
        begin -= 1
        total += held[begin][1]
    return held[begin:]


def _pieces(text: str) -> Iterator[str]:
    """Yield sentences; one that is too long in pieces that overlap."""
    for found in _SENTENCE.finditer(text):
        sentence = found[0]
        if not sentence.strip():
            continue
        if width(sentence) <= SHORT:
            yield sentence
            continue
        yield from _cut(sentence)


def _cut(sentence: str) -> Iterator[str]:
    most = SHORT * len(sentence) // width(sentence)
    overlap = most * OVERLAP // SHORT
    start = 0
    while True:
        end = start + most
        if end >= len(sentence):
            yield sentence[start:]
            return
        space = sentence.rfind(" ", start + most // 2, end)
        end = space if space > 0 else end
        yield sentence[start:end]
        back = sentence.find(" ", end - overlap, end)
        start = back + 1 if back > 0 else end - overlap
