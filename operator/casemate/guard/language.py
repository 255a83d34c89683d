"""Which language a text is in, as far as the guard must know: one that it covers, or another.

Scripts decide most of it; among languages of one script, their small words do. Too little to go by
is not "another language": a name, a number or a line of code has no language.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from casemate.guard.folding import fold

_NONE, _LATIN, _CYRILLIC, _ARABIC, _HANGUL, _KANA, _HAN, _OTHER = range(8)
# Where in Unicode letters of a script begin; each lasts until the next entry.
_BLOCKS = (
    *((0x41, _LATIN), (0x5B, _NONE), (0x61, _LATIN), (0x7B, _NONE), (0xC0, _LATIN)),
    *((0x250, _OTHER), (0x2B0, _NONE), (0x370, _OTHER), (0x400, _CYRILLIC), (0x530, _OTHER)),
    *((0x600, _ARABIC), (0x700, _OTHER), (0x750, _ARABIC), (0x780, _OTHER), (0x8A0, _ARABIC)),
    *((0x900, _OTHER), (0x1100, _HANGUL), (0x1200, _OTHER), (0x1C80, _CYRILLIC)),
    *((0x1C90, _OTHER), (0x1E00, _LATIN), (0x1F00, _OTHER), (0x2000, _NONE), (0x2C00, _OTHER)),
    *((0x2E00, _NONE), (0x3041, _KANA), (0x3100, _OTHER), (0x3130, _HANGUL), (0x3190, _NONE)),
    *((0x3400, _HAN), (0xA000, _OTHER), (0xAC00, _HANGUL), (0xD7B0, _NONE), (0xF900, _HAN)),
    *((0xFB00, _NONE), (0x10000, _OTHER), (0x1F000, _NONE), (0x20000, _HAN), (0x40000, _NONE)),
)
_BEGINS = np.array([begin for begin, _ in _BLOCKS], np.uint32)
_SCRIPTS = np.array([_NONE, *(script for _, script in _BLOCKS)])
# How many letters a character of a script is worth: Latin words within Chinese are common.
_WEIGHTS = np.array([0, 1, 1, 1, 4, 4, 5, 1])
_CODES = {_HANGUL: "ko", _KANA: "ja", _HAN: "zh"}
_FEW = 4  # letters below which a script says nothing
_SHARE = 0.3  # of all letters, from which scripts that nobody covers count
_CLEAR = 2.0  # points that another language needs
_LEAD = 1.5  # and how far it must lead every covered one


@dataclass(frozen=True, slots=True)
class Language:
    """What a text is written in: a code, "" if nothing tells, and whether the guard covers it."""

    code: str
    covered: bool


class Languages:
    """The small words of languages: those covered and those that must be told from them."""

    def __init__(self, covered: frozenset[str], words: Mapping[str, tuple[str, ...]]) -> None:
        self.covered = covered
        found: dict[str, list[str]] = {}
        for code, each in sorted(words.items()):
            for word in sorted({fold(w).strip() for w in each}):
                found.setdefault(word, []).append(code)
        self._of = {word: (codes, 1 / len(codes)) for word, codes in found.items()}
        self._words = frozenset(found)

    def identify(self, text: str, folded: str) -> Language:
        """Return the language of a canonical text, given its folded form too."""
        script = _LATIN if text.isascii() else _script(text)
        if script == _OTHER:
            return Language("", covered=False)
        code = _CODES.get(script)
        return Language(code, covered=code in self.covered) if code else self._by_words(folded)

    def _by_words(self, folded: str) -> Language:
        points: defaultdict[str, float] = defaultdict(float)
        for word in self._words.intersection(folded.split()):
            codes, share = self._of[word]
            for code in codes:
                points[code] += share
        ours = best = (0.0, "")
        for code, each in points.items():
            here = (each, code)
            best = max(best, here)
            if here > ours and code in self.covered:
                ours = here
        if best[0] < _CLEAR or best[0] < _LEAD * ours[0]:
            return Language(ours[1], covered=True)
        return Language(best[1], covered=best[1] in self.covered)


def _script(text: str) -> int:
    """Return the script of most letters."""
    codes = np.frombuffer(text.encode("utf-32-le"), "<u4")
    found = _SCRIPTS[np.searchsorted(_BEGINS, codes, side="right")]
    counts = np.bincount(found, minlength=len(_WEIGHTS)) * _WEIGHTS
    if counts[_OTHER] >= _FEW and counts[_OTHER] > _SHARE * counts.sum():
        return _OTHER
    # Japanese is told by its kana, however many Chinese characters stand between them.
    if counts[_KANA] >= _FEW and counts[_KANA] * 4 >= counts[_HAN]:
        return _KANA
    counts[[_OTHER, _KANA]] = 0
    return int(np.argmax(counts))
