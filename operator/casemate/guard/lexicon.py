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
        self._meaning = [np.array(sorted(found[each])) for each in sorted(found)]
        self._automaton = AhoCorasick(
            sorted(found), implementation=Implementation.ContiguousNFA, store_patterns=False
        )

    def present(self, folded: str) -> NDArray[np.bool_]:
        """Return which concepts a folded text names."""
        result = np.zeros(len(self.concepts), np.bool_)
        hits = {hit[0] for hit in self._automaton.find_matches_as_indexes(folded, overlapping=True)}
        for hit in hits:
            result[self._meaning[hit]] = True
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
