"""What each character is, as arrays: a whole text is looked up at once, without a loop over it."""

import unicodedata
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from casemate.guard.views.look_alikes import ALWAYS, LOOSE, STRICT, TO_CYRILLIC, pairs

Points = NDArray[np.uint32]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]
Flags = NDArray[np.uint16]

LETTER, DIGIT, SPACE, NEWLINE, DROP, MARK, STACK = (1 << n for n in range(7))
"""STACK: any combining mark. MARK: one that belongs to no script, so it can be dropped."""
LATIN, CYRILLIC, LOOKS, WIDE, OWN, B64, BREAK, CUT = (1 << n for n in range(7, 15))
"""LOOKS: a letter of another script that has letters like Latin ones. WIDE: Han, kana, Hangul.
OWN: a script in which joiners and points are spelling. BREAK: what ends a sentence or a quotation.
CUT: punctuation that may stand inside a word."""

_PLANES = 0x20000
_SPACES = " \t\x1f\u1680"
_NEWLINES = "\n\x0b\x0c\r\x85\u2028\u2029"
_BREAKS = '\n.!?;:()[]{}<>|`"\u201c\u201d\u201e«»。！？；：「」『』؟'
_CUTS = "-._·~^+*/|,:;=•‧‐‑‒–—…"
_INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufe0e\ufe0f"
_KEPT_FORMAT = set(chain(range(0x600, 0x606), (0x6DD, 0x70F, 0x8E2)))
_NAMED = tuple(  # blocks whose characters have names worth asking for
    chain(range(0x3400), range(0xA000, 0xAC00), range(0xF900, 0x12000), range(0x16000, 0x17000))
) + tuple(chain(range(0x1B000, 0x1B300), range(0x1BC00, 0x1BD00), range(0x1CF00, _PLANES)))
_SCRIPTS = (
    (LATIN, ((0x41, 0x24F), (0x250, 0x2AF), (0x1D00, 0x1DBF), (0x1E00, 0x1EFF), (0xA720, 0xA7FF))),
    (CYRILLIC, ((0x400, 0x52F), (0x1C80, 0x1C8F), (0xA640, 0xA69F))),
    (LOOKS, ((0x370, 0x3FF), (0x1F00, 0x1FFF), (0x530, 0x58F), (0x13A0, 0x13FF), (0xAB70, 0xABBF))),
    (LOOKS, ((0x1400, 0x167F), (0x2C80, 0x2CFF), (0xA4D0, 0xA4FF))),
    (OWN, ((0x590, 0x8FF), (0x900, 0x109F), (0x1780, 0x18AF), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFC))),
    (WIDE, ((0x1100, 0x11FF), (0x3040, 0x318F), (0x31A0, 0x9FFF), (0xA960, 0xA97F))),
    (WIDE, ((0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0x1B000, 0x1B16F))),
)
_MARKS = ((0x300, 0x36F), (0x483, 0x489), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF))
# Vowel points and the stretching stroke: Arabic is read without them, and hides behind them.
_POINTS = ((0x610, 0x61A), (0x640, 0x640), (0x64B, 0x65F), (0x670, 0x670), (0xFE20, 0xFE2F))


def _flags() -> Flags:
    table = np.zeros(_PLANES + 17, np.uint16)
    for point in _NAMED:
        category = unicodedata.category(chr(point))
        flag = DIGIT if category == "Nd" else LETTER if category[0] in "LM" else 0
        if category in {"Cc", "Cf"} and point not in _KEPT_FORMAT:
            flag = DROP
        elif category in {"Mn", "Me"} or unicodedata.combining(chr(point)):
            flag |= STACK
        table[point] = flag
    for low, high in ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3)):
        table[low : high + 1] = LETTER
    for flag, ranges in _SCRIPTS:
        for low, high in ranges:
            table[low : high + 1] |= np.where(table[low : high + 1] & LETTER, flag, 0).astype("u2")
    for low, high in _MARKS + _POINTS:
        table[low : high + 1] = MARK | STACK
    for texts, flag in ((_SPACES, SPACE), (_NEWLINES, NEWLINE), (_INVISIBLE, DROP)):
        table[[ord(one) for one in texts]] = flag
    table[0x180B:0x1810] = table[0xFE00:0xFE10] = table[0xD800:0xE000] = DROP
    table[0x2065] = table[0xFFF0:0xFFF9] = table[_PLANES + 0xE] = DROP
    table[_PLANES + 2 : _PLANES + 4] = LETTER | WIDE
    table[[ord(one) for one in "+/=-_"]] |= B64
    table[[ord(one) for one in _BREAKS]] |= BREAK
    table[[ord(one) for one in _CUTS]] |= CUT
    for first, last in ("09", "AZ", "az"):
        table[ord(first) : ord(last) + 1] |= B64
    return table


def _map(rows: tuple[tuple[str, str], ...]) -> NDArray[np.uint8]:
    """A table of look-alikes: the ASCII letter, or 0. What case-folding makes one is one before."""
    table = np.zeros(_PLANES + 17, np.uint8)
    for given, meant in pairs(rows):
        table[given] = meant
    for point in chain(range(0x370, 0x590), range(0xA640, 0xA6A0), range(0xAB70, 0xABC0)):
        lower = chr(point).casefold()
        if len(lower) == 1 and not table[point]:
            table[point] = table[ord(lower)]
    return table


def _accented(table: NDArray[np.uint8]) -> None:
    """Let Greek letters with accents fold as without."""
    for point in chain(range(0x370, 0x400), range(0x1F00, 0x2000)):
        base = ord(unicodedata.normalize("NFD", chr(point))[0])
        table[point] = table[base]


FLAGS = _flags()
FOLD_ALWAYS = _map(ALWAYS)
FOLD_ALWAYS[[0xFDFA, 0xFDFB]] = ord(" ")  # honorifics that compose to a sentence each
for _flag, _as in ((SPACE, " "), (NEWLINE, "\n")):
    FOLD_ALWAYS[np.flatnonzero(FLAGS & _flag)] = ord(_as)
FOLD_STRICT = _map(STRICT)
FOLD_LOOSE = _map(STRICT + LOOSE)
_accented(FOLD_STRICT)
_accented(FOLD_LOOSE)
FOLD_CYRILLIC = np.zeros(_PLANES + 17, np.uint16)
FOLD_CYRILLIC[[ord(one) for one in TO_CYRILLIC[0]]] = [ord(one) for one in TO_CYRILLIC[1]]


def points(text: str) -> Points:
    """The code points of a text."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8).astype(np.uint32)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def text_of(codes: Points) -> str:
    """The text of code points."""
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")


def index(codes: Points) -> Index:
    """Where the code points stand in this module's tables: far planes have one entry each."""
    far = codes >= _PLANES
    folded = np.where(far, _PLANES + (codes >> 16), codes) if far.any() else codes
    return folded.astype(np.intp)


def before(mask: Mask) -> Mask:
    """For each place, whether the mask holds just before it."""
    moved = np.empty_like(mask)
    moved[:1] = False
    moved[1:] = mask[:-1]
    return moved


def after(mask: Mask) -> Mask:
    """For each place, whether the mask holds just after it."""
    moved = np.empty_like(mask)
    moved[-1:] = False
    moved[:-1] = mask[1:]
    return moved


def runs(mask: Mask) -> tuple[Index, Index]:
    """Starts and ends (exclusive) of the stretches where the mask holds."""
    framed = np.zeros(mask.size + 2, bool)
    framed[1:-1] = mask
    edges = (framed[1:] != framed[:-1]).nonzero()[0]
    return edges[::2], edges[1::2]


def count(mask: Mask, starts: Index, ends: Index) -> Index:
    """How often the mask holds in each of several stretches."""
    total = np.zeros(mask.size + 1, np.intp)
    mask.cumsum(out=total[1:])
    return total[ends] - total[starts]


def sums(numbers: NDArray[np.uint64], starts: Index, ends: Index) -> NDArray[np.uint64]:
    """The sum of the numbers in each of several stretches."""
    total = np.zeros(numbers.size + 1, np.uint64)
    numbers.cumsum(out=total[1:])
    return total[ends] - total[starts]


def spread(chosen: Mask, starts: Index, ends: Index, size: int) -> Mask:
    """The places of the chosen ones of several stretches that do not overlap."""
    if not chosen.any():
        return np.zeros(size, bool)
    step = np.bincount(starts[chosen], minlength=size + 1)
    step -= np.bincount(ends[chosen], minlength=size + 1)
    return step.cumsum()[:-1] > 0


def touched(words: Mask, by: Mask) -> Mask:
    """The words that have at least one place of another mask."""
    starts, ends = runs(words)
    return spread(count(by, starts, ends) > 0, starts, ends, words.size)


def excerpt(codes: Points, words: Mask, dropped: Mask | None = None) -> Points:
    """Some words of a text, with a space before each; less what is dropped of them."""
    edge = after(words) & ~words
    keep = (words if dropped is None else words & ~dropped) | edge
    return np.where(words, codes, ord(" ")).astype(np.uint32)[keep]
