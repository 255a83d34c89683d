"""Cuts a text into windows of a few sentences: a long harmless one dilutes no short one.

A short text is one window. In a longer one, each window shares its last sentence with the next, so
that two sentences that mean something together are seen together; each sentence is a window too.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

SHORT_CHARS = 320
"""A text up to this long is one window: about three sentences."""
MOST_SENTENCES = 3
_SENTENCE = re.compile(
    r"[^.!?\u2026\u3002\uff01\uff1f\u061f\u0964;\n]+[.!?\u2026\u3002\uff01\uff1f\u061f\u0964;\n]*"
)
_OVERLAP_CHARS = 120
ALONE_CHARS = 24
"""A shorter sentence says nothing by itself."""


class Window(NamedTuple):
    """A part of a text that is judged at once.

    Attributes:
        text: The part.
        alone: Whether it is one sentence of a longer text, without what stands around it.
    """

    text: str
    alone: bool = False


def windows(text: str) -> Iterator[Window]:
    """Yield the windows of a text; together they cover all of it, at most about four times."""
    if len(text) <= SHORT_CHARS:
        if text.strip():
            yield Window(text)
        return
    held: list[str] = []
    for piece in _pieces(text):
        if len(piece) >= ALONE_CHARS:
            yield Window(piece, alone=True)
        full = len(held) >= MOST_SENTENCES or sum(map(len, held)) + len(piece) > SHORT_CHARS
        if held and full:
            yield Window("".join(held))
            last = held[-1]
            held = [last] if len(last) + len(piece) <= SHORT_CHARS else []
        held.append(piece)
    if held:
        yield Window("".join(held))


def _pieces(text: str) -> Iterator[str]:
    """Yield sentences; one that is too long in pieces that overlap."""
    for found in _SENTENCE.finditer(text):
        sentence = found[0]
        if not sentence.strip():
            continue
        if len(sentence) <= SHORT_CHARS:
            yield sentence
            continue
        yield from _cut(sentence)


def _cut(sentence: str) -> Iterator[str]:
    start = 0
    while True:
        end = start + SHORT_CHARS
        if end >= len(sentence):
            yield sentence[start:]
            return
        space = sentence.rfind(" ", start + SHORT_CHARS // 2, end)
        end = space if space > 0 else end
        yield sentence[start:end]
        back = sentence.find(" ", end - _OVERLAP_CHARS, end)
        start = back + 1 if back > 0 else end - _OVERLAP_CHARS
