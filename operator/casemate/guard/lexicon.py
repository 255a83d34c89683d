"""Which concepts of the lexicon a text names, in any of the languages at once.

A term is a word, several words, or the beginning of a word (`stem*`). Chinese has no spaces and
Korean joins endings to its words: their terms match inside a text, and at the beginning of a word.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from ahocorasick_rs import AhoCorasick, Implementation
from numpy.typing import NDArray

from casemate.guard.folding import fold

_NO_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_ENDINGS = re.compile(r"[\uac00-\ud7af]")
_WORD = 4
"""Letters of a word that somebody would take the trouble to disguise."""


class Lexicon:
    """The terms of all concepts as one automaton: a text is read once, whatever their number.

    Attributes:
        concepts: Their names.
        words: The words of all terms, without endings that are left open.
    """

    def __init__(self, concepts: Sequence[str], terms: Mapping[str, Iterable[str]]) -> None:
        self.concepts = tuple(concepts)
        self.words = frozenset(
            part
            for words in terms.values()
            for word in words
            for part in word.rstrip("*").split()
            if len(part) >= _WORD
        )
        at = {name: i for i, name in enumerate(concepts)}
        found: dict[str, set[int]] = {}
        for name, words in terms.items():
            for word in words:
                found.setdefault(pattern(word), set()).add(at[name])
        found.pop("", None)
        # What each term means, one after the other; and where in this that of each begins.
        meant = [sorted(found[each]) for each in sorted(found)]
        self._meaning = np.array([one for each in meant for one in each], np.intp)
        self._begin = np.cumsum([0, *map(len, meant)])
        self._automaton = AhoCorasick(
            sorted(found), implementation=Implementation.ContiguousNFA, store_patterns=False
        )

    def present(self, folded: Sequence[str]) -> NDArray[np.bool_]:
        """Return which concepts (columns) each folded text (rows) names.

        The texts are read as one: no term has two spaces in a row, so none goes from one to the
        next.
        """
        result = np.zeros((len(folded), len(self.concepts)), np.bool_)
        hits = self._automaton.find_matches_as_indexes("".join(folded), overlapping=True)
        if not hits:
            return result
        term, start, _ = np.array(hits, np.intp).T
        row = np.searchsorted(np.cumsum([len(text) for text in folded]), start, side="right")
        number = self._begin[term + 1] - self._begin[term]
        place = np.arange(number.sum()) + np.repeat(
            self._begin[term + 1] - np.cumsum(number), number
        )
        result[np.repeat(row, number), self._meaning[place]] = True
        return result


def pattern(term: str) -> str:
    """Return what is searched in a folded text for a term; empty for a term of no letters."""
    words = fold(term).strip()
    if not words or _NO_SPACES.search(words):
        return words
    open_end = term.rstrip().endswith("*") or _ENDINGS.search(words)
    return f" {words}" if open_end else f" {words} "


def read(text: str) -> dict[str, tuple[str, ...]]:
    """Return the terms by concept of a file whose lines are `concept: term | stem* | two words`."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        name, colon, terms = line.partition(":")
        if colon and not line.startswith("#"):
            words = tuple(each.strip() for each in terms.split("|") if each.strip())
            found[name.strip()] = found.get(name.strip(), ()) + words
    return found
