"""Characters written as numbers, one by one: hexadecimal, decimal, octal and binary."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from casemate.guard.views.chars import (
    CYRILLIC,
    DIGIT,
    FLAGS,
    LATIN,
    LOOKS,
    OWN,
    WIDE,
    index,
    points,
)
from casemate.guard.views.letters import PLAIN, SYMBOLS, mean, stream
from casemate.guard.views.meter import PIECE
from casemate.guard.views.page import Page
from casemate.guard.views.pieces import placed
from casemate.guard.views.readable import lettered, no_number, readable
from casemate.guard.views.tokens import BIT, DIGITS, Tokens
from casemate.guard.views.types import Found

_FEWEST = 6
"""Numbers in a row; fewer are dates and versions."""
_DIGITS = 8
_BITS = 32
_BYTE = 8
_ENOUGH = 4
_MANY = 12
"""So many bytes are not readable by chance."""


def _hexadecimal(tokens: list[str]) -> str:
    text = readable(bytes(int(token[-2:], 16) for token in tokens), least=_ENOUGH)
    numbers = all(token[-2:].isdigit() for token in tokens)
    if numbers:
        return text if no_number(text) else ""
    return text if len(text) >= _MANY or lettered(text) else ""


def _binary(tokens: list[str]) -> str:
    bits = "".join(tokens)
    if max(map(len, tokens)) <= _BYTE:
        return readable(bytes(int(token, 2) for token in tokens), least=_ENOUGH)
    size = len(bits) // 8
    return readable((int(bits, 2) >> len(bits) % 8).to_bytes(size, "big"), least=_ENOUGH)


def _numbers(tokens: list[str]) -> str:
    for base in (10, 8):
        if base == 10 or not any("8" in token or "9" in token for token in tokens):
            if not "".join(chr(int(token, base)) for token in tokens[:_DIGITS]).isprintable():
                continue
            text = "".join(chr(int(token, base)) for token in tokens)
            if text.isprintable() and ((lettered(text) and _language(text)) or _coded(text)):
                return text
    return ""


def _language(text: str) -> bool:
    """Whether letters are likely where that is known, and all of one script."""
    at = index(points(text))
    scripts = FLAGS[at] & (LATIN | CYRILLIC | LOOKS | WIDE | OWN)
    one = np.unique(scripts[scripts > 0]).size == 1
    return one and mean(stream(SYMBOLS[at]).symbols) <= PLAIN - 1


def _coded(text: str) -> bool:
    """Whether numbers are characters of a further code: no row of measurements jumps so."""
    jumps = sum(abs(ord(one) - ord(two)) > 1 for one, two in pairwise(text))
    rising = sum(one < two for one, two in pairwise(text))
    steady = rising * 4 < len(text) or rising * 4 > 3 * len(text)
    return text.isascii() and len(text) >= 2 * _MANY and jumps * 2 > len(text) and not steady


def groups(page: Page) -> Iterator[Found]:
    """Hexadecimal pairs, bits in sevens and eights, and characters' numbers."""
    if np.count_nonzero(page.flags & DIGIT) < _DIGITS:
        return
    tokens = Tokens(page)
    size = tokens.length
    bits = tokens.all(BIT, (size >= 7) & (size <= 8))
    long = tokens.all(BIT, size >= _BITS)
    numbers = tokens.free & tokens.all(DIGITS, (size >= 2) & (size <= 5))
    for how, fits, least, read in (
        ("hex", tokens.pairs(), _FEWEST, _hexadecimal),
        ("binary", bits, _ENOUGH, _binary),
        ("binary", long, 1, _binary),
        ("codes", numbers, _DIGITS, _numbers),
    ):
        yield from _read(page, how, tokens.groups(fits, least), read)


def _read(
    page: Page, how: str, spans: list[tuple[int, int]], read: Callable[[list[str]], str]
) -> Iterator[Found]:
    pieces = []
    for start, end in spans:
        page.spend(PIECE, 1 + (end - start) // 8)
        found = page.text[start:end]
        if plain := read(_split(found)):
            escaped = page.text[start - 1 : start] == "\\"
            pieces.append((start - escaped, end, plain))
    if pieces:
        yield Found((how,), placed(page.text, pieces), hidden=True)


def _split(text: str) -> list[str]:
    return "".join(char if char.isalnum() and char.isascii() else " " for char in text).split()
