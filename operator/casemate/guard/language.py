"""Which language a text is in, as far as the guard must know: one that it was measured in, or another.

Scripts decide most of it; among languages of one script, their small words do. Too little to go by is not
"another language": a name, a number or a line of code has no language.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from casemate.guard.folding import fold

_SCRIPTS = {
    "latin": re.compile(r"[a-z\u00df-\u024f\u1e00-\u1eff]"),
    "cyrillic": re.compile(r"[\u0400-\u052f]"),
    "arabic": re.compile(r"[\u0600-\u06ff\u0750-\u077f]"),
    "hangul": re.compile(r"[\uac00-\ud7af\u1100-\u11ff]"),
    "kana": re.compile(r"[\u3041-\u30ff]"),
    "han": re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]"),
}
_LETTER = re.compile(r"[^\W\d_]")
# A character of these scripts carries about as much as three letters do.
_WEIGHTS = {"hangul": 3, "kana": 3, "han": 3}
_FEW = 4  # letters of a script below which it says nothing
_SHARE = 0.3  # of all letters, from which a script that is not covered counts
_CLEAR = 2.0  # small words that another language needs, and its lead over every covered one
_LEAD = 1.5


@dataclass(frozen=True, slots=True)
class Language:
    """What a text is written in: a code, "" if nothing tells, and whether the guard covers it."""

    code: str
    covered: bool


class Languages:
    """The small words of languages: those covered and those that must be told from them."""

    def __init__(self, covered: frozenset[str], words: Mapping[str, tuple[str, ...]]) -> None:
        self.covered = covered
        self._of: dict[str, list[str]] = {}
        for code, each in sorted(words.items()):
            for word in sorted({fold(w).strip() for w in each}):
                self._of.setdefault(word, []).append(code)

    def identify(self, text: str, folded: str) -> Language:
        """Return the language of a canonical text, given its folded form too."""
        script, share = _script(text)
        if not script:
            return Language("", covered=share < _SHARE)
        if script == "kana":
            return self._named("ja")
        if script == "hangul":
            return self._named("ko")
        if script == "han":
            return self._named("zh")
        return self._by_words(folded)

    def _named(self, code: str) -> Language:
        return Language(code, covered=code in self.covered)

    def _by_words(self, folded: str) -> Language:
        points: Counter[str] = Counter()
        for word in folded.split():
            codes = self._of.get(word, ())
            for code in codes:
                points[code] += 1 / len(codes)  # type: ignore[assignment]
        if not points:
            return Language("", covered=True)
        best = max((points[c], c) for c in points)
        ours = max(((points[c], c) for c in points if c in self.covered), default=(0, ""))
        if best[1] in self.covered or best[0] < _CLEAR or best[0] < _LEAD * ours[0]:
            return Language(ours[1], covered=True)
        return Language(best[1], covered=False)


def _script(text: str) -> tuple[str, float]:
    """Return the script of most letters, or "" and the share of letters in no known script."""
    counts = {
        name: len(each.findall(text)) * _WEIGHTS.get(name, 1) for name, each in _SCRIPTS.items()
    }
    letters = len(_LETTER.findall(text))
    known = sum(len(each.findall(text)) for each in _SCRIPTS.values())
    unknown = max(letters - known, 0)
    if unknown >= _FEW and unknown > _SHARE * letters:
        return "", unknown / letters
    # Japanese is told by its kana, however many Chinese characters stand between them.
    if counts["kana"] >= _FEW and counts["kana"] * 4 >= counts["han"]:
        counts["kana"] += counts["han"]
    name = max(counts, key=lambda each: counts[each])
    return (name, 0.0) if counts[name] else ("", 0.0)
