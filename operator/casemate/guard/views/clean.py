"""The form in which a text is read: what cannot be seen is dropped, what looks alike is one.

Two steps: ``clean`` keeps letters' case and all spaces, which encodings need; ``settled`` makes
the canonical text of it.
"""

import re
import unicodedata
from typing import NamedTuple

import numpy as np

from casemate.guard.views.chars import (
    DROP,
    FLAGS,
    FOLD_ALWAYS,
    MARK,
    STACK,
    Points,
    index,
    points,
    runs,
    text_of,
)
from casemate.guard.views.scripts import folded
from casemate.guard.views.unseen import FEW, suspicious

_ASCII = bytes(32 if at in {9, 31} else 10 if at in {10, 11, 12, 13} else at for at in range(256))
_CONTROLS = bytes({*range(32), 127} - {9, 10, 11, 12, 13, 31})
_TERMINAL = re.compile(r"\x1b(?:\[[0-9;]{0,16}[A-Za-z])?")  # colours
_SPACES = re.compile(r" {2,}")
_LINES = re.compile(r" ?\n[ \n]*")
_STACK = 3
"""As many marks of no script on one letter are no spelling: Vietnamese needs two."""
_PILE = 4
"""More combining marks of any kind in a row are cut: sorting them is quadratic, showing them no
spelling."""


class Clean(NamedTuple):
    """A text without what cannot be seen, and the names of what had been hidden in it."""

    text: str
    hidden: tuple[str, ...] = ()


def _without_piles(codes: Points) -> Points:
    """Drop stacks of combining marks, before they are sorted or composed."""
    flags = FLAGS[index(codes)]
    stack = (flags & STACK) > 0
    if not stack.any():
        return codes
    drop = np.zeros(codes.size, bool)
    starts, ends = runs(stack)
    lengths = ends - starts
    which = np.repeat(np.arange(starts.size), lengths)
    places = np.flatnonzero(stack)
    drop[places] = places - starts[which] >= _PILE
    starts, ends = runs((flags & MARK) > 0)
    for_all = ends - starts >= _STACK
    marks = np.flatnonzero(flags & MARK)
    drop[marks] |= np.repeat(for_all, ends - starts)
    return codes[~drop]


def _composed(codes: Points) -> Points:
    given = text_of(codes)
    made = unicodedata.normalize("NFKC", given)
    return codes if made == given else points(made)


def _symbols(codes: Points) -> Points:
    """Fold symbols that stand for letters, before and after which text is composed."""
    fold = FOLD_ALWAYS[index(codes)]
    return np.where(fold > 0, fold, codes).astype(np.uint32) if fold.any() else codes


def _dropped(codes: Points, flag: int) -> Points:
    gone = (FLAGS[index(codes)] & flag) > 0
    return codes[~gone] if gone.any() else codes


def clean(raw: str) -> Clean:
    """Compose, drop what cannot be seen, fold look-alikes; case and spaces stay."""
    raw = raw.replace("\r\n", "\n")
    if "\x1b" in raw:
        raw = _TERMINAL.sub("", raw)
    if raw.isascii():
        text = raw.encode().translate(_ASCII, _CONTROLS).decode()
        return Clean(text, ("invisible",) if len(raw) - len(text) >= FEW else ())
    codes = points(raw.replace("ß", "ss").replace("ẞ", "SS"))  # two letters once case is folded
    shown = _symbols(_without_piles(_dropped(codes, DROP)))
    plain = _symbols(_dropped(_composed(shown), DROP | MARK))
    text, alike = folded(plain)
    return Clean(text, suspicious(codes) + alike)


def settled(text: str) -> str:
    """The canonical form of a clean text: case-folded, runs of spaces one, of lines one break."""
    lower = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text.lower())
    if "  " in lower:
        lower = _SPACES.sub(" ", lower)
    return (_LINES.sub("\n", lower) if "\n" in lower else lower).strip(" \n")


def canonical(text: str) -> str:
    """The form in which texts are compared.

    NFKC, without characters that cannot be seen and without marks that no script needs; look-alikes
    of Latin letters folded where a word mixes scripts, or is made of nothing else in a line that is
    otherwise Latin; case-folded; spaces collapsed, line breaks and punctuation kept. Real Cyrillic,
    Greek, Hangul and Han stay as they are; Arabic loses vowel points and stretching strokes, which
    are optional in writing. Applying it twice changes nothing more.
    """
    return settled(clean(text).text)
