"""What invisible characters carry: letters, bytes, bits, direction, deletion."""

import re
from collections.abc import Callable, Iterator

import numpy as np

from casemate.guard.views.chars import points, runs, text_of
from casemate.guard.views.page import Page
from casemate.guard.views.readable import readable
from casemate.guard.views.types import Found

_TAGS = 0xE0000
_FLAG = 0x1F3F4  # black flag: tags behind it name a region
_REGION = 7
_ZERO_WIDTH = [0x180E, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF]
_OVERRIDE = re.compile("\u202e([^\u202a-\u202e\n]*)\u202c?")
_ERASED = re.compile(r"[^\x08\x7f][\x08\x7f]")
_PASSES = 8
_WORD = 3
_BITS = 24
"""Fewest bits that are a message: three letters."""


def tags(page: Page) -> Iterator[Found]:
    """Letters of the tag block, which no font shows; behind a black flag they name a region."""
    codes = points(page.raw)
    tag = (codes >= _TAGS) & (codes < _TAGS + 0x80)
    starts, ends = runs(tag)
    region = (codes[np.maximum(starts, 1) - 1] == _FLAG) & (ends - starts <= _REGION)
    tag[tag] = np.repeat(~region, ends - starts)
    if tag.any():
        shown = np.where(tag, codes - _TAGS, codes)
        yield Found(("tags",), text_of(shown[~tag | ((shown >= 32) & (shown < 127))]), hidden=True)


def selectors(page: Page) -> Iterator[Found]:
    """Bytes written as variation selectors: behind one character, or one behind each."""
    codes = points(page.raw)
    low = (codes >= 0xFE00) & (codes < 0xFE10)
    carrier = low | ((codes >= 0xE0100) & (codes < 0xE01F0))
    starts, ends = runs(carrier)
    values = np.where(low, codes - 0xFE00, codes - 0xE0100 + 16).astype(np.uint8)
    long = ends - starts > 1
    if np.count_nonzero(long) == 1:
        start, end = starts[long][0], ends[long][0]
        text = readable(values[start:end].tobytes(), least=2)
        around = text_of(codes[:start]), text_of(codes[end:])
    else:
        text, around = readable(values[carrier].tobytes()), (text_of(codes[~carrier]) + "\n", "")
    if text:
        yield Found(("variation-selectors",), text.join(around), hidden=True)


def bits(page: Page) -> Iterator[Found]:
    """Bits written as two kinds of invisible characters, eight to a byte."""
    codes = points(page.raw)
    carrier = np.isin(codes, _ZERO_WIDTH)
    kinds = np.unique(codes[carrier])
    if np.count_nonzero(carrier) < _BITS or kinds.size != 2:
        return
    ones = codes[carrier] == kinds[1]
    for read in (ones, ~ones):
        text = readable(np.packbits(read[: read.size // 8 * 8]).tobytes(), least=3)
        if text:
            around = text_of(codes[~carrier])
            yield Found(("zero-width",), f"{around}\n{text}", hidden=True)


def bidi(page: Page) -> Iterator[Found]:
    """Stretches that an override shows from right to left: as they are shown."""
    if not any(sum(map(str.isalpha, turned)) >= _WORD for turned in _OVERRIDE.findall(page.raw)):
        return
    shown = _OVERRIDE.sub(lambda match: match[1][::-1], page.raw)
    yield Found(("bidi",), shown, hidden=True)


def erased(page: Page) -> Iterator[Found]:
    """Letters that a backspace or delete character behind them takes away."""
    text = page.raw
    for _ in range(_PASSES):
        text, count = _ERASED.subn("", text)
        if not count:
            break
    yield Found(("backspaces",), text, hidden=True)


_CARRIERS: tuple[tuple[re.Pattern[str], Callable[[Page], Iterator[Found]]], ...] = (
    (re.compile("[\U000e0000-\U000e007f]"), tags),
    (re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]"), selectors),
    (re.compile("[\u180e\u200b-\u200f\u2060-\u2064\ufeff]"), bits),
    (re.compile("\u202e"), bidi),
)


def carried(page: Page) -> Iterator[Found]:
    """What a text's invisible characters carry."""
    if "\b" in page.raw or "\x7f" in page.raw:
        yield from erased(page)
    if page.raw.isascii():
        return
    for sign, transform in _CARRIERS:
        if sign.search(page.raw):
            yield from transform(page)
