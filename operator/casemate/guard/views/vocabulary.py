"""The words that a reading may be recognised by: common ones, and those that the caller gives."""

import codecs
from collections.abc import Callable
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from casemate.guard.views.chars import FLAGS, WIDE, index, points
from casemate.guard.views.common import ANAGRAMS, PAIRS, WORDS

_KNOWN = 3
_PLANE = 0x2000  # up to where letters have cases
_GOLDEN, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
LEAST = 6
"""Letters of a word that is known by its letters alone: shorter ones have too many neighbours, such
as form and from."""


def squeezed(word: str) -> str:
    """A word with each run of one letter as one letter."""
    return "".join(letter for at, letter in enumerate(word) if not at or word[at - 1] != letter)


class Vocabulary:
    """Words in canonical form, and tables of them that are made when first asked for."""

    def __init__(self, words: frozenset[str], real: frozenset[str] = frozenset()) -> None:
        self.words = frozenset(word for word in words if word.isalpha())
        self.known = frozenset(
            word for word in self.words | WORDS | ANAGRAMS | real if len(word) >= _KNOWN
        )

    @cached_property
    def pairs(self) -> frozenset[str]:
        """Pairs of signs that stand in words of Han, kana or Hangul."""
        wide = {word for word in self.words if FLAGS[index(points(word))][0] & WIDE} | PAIRS
        pairs = {word[at : at + 2] for word in wide for at in range(len(word) - 1)}
        return frozenset(pair for pair in pairs if pair[::-1] not in pairs)

    @cached_property
    def pair_keys(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The same as sorted numbers, as they are and turned round."""
        here = sorted(ord(pair[0]) << 21 | ord(pair[1]) for pair in self.pairs)
        there = sorted(ord(pair[1]) << 21 | ord(pair[0]) for pair in self.pairs)
        return np.array(here, np.uint64), np.array(there, np.uint64)

    @cached_property
    def turned(self) -> dict[str, str]:
        """Words by their mirror images."""
        return self._by(lambda word: word[::-1])

    @cached_property
    def rotated(self) -> dict[str, str]:
        """Words by what rot13 makes of them."""
        return self._by(lambda word: codecs.encode(word, "rot13"))

    @cached_property
    def spellings(self) -> tuple[NDArray[np.uint64], list[str]]:
        """Sorted sums of letters, of ``NUMBERS``, and the word of each."""
        pairs: dict[int, str] = {}
        for word in sorted(self.words):
            if len(word) >= LEAST:
                for spelled in (word, squeezed(word)):
                    pairs.setdefault(int(NUMBERS[index(points(spelled))].sum()), word)
        order = sorted(pairs)
        return np.array(order, np.uint64), [pairs[one] for one in order]

    def _by(self, change: Callable[[str], str]) -> dict[str, str]:
        made = ((change(word), word) for word in self.words if len(word) >= LEAST)
        return {other: word for other, word in made if other not in self.known}


def _numbers() -> NDArray[np.uint64]:
    lower = [ord(one) if len(one := chr(at).lower()) == 1 else at for at in range(_PLANE)]
    places = np.arange(FLAGS.size, dtype=np.uint64)
    places[:_PLANE] = lower
    wide = (places + np.uint64(1)) * _GOLDEN
    wide ^= wide >> np.uint64(29)
    wide *= _MIX
    return wide ^ (wide >> np.uint64(32))


NUMBERS = _numbers()
"""A number for each letter, in either case, so mixed that sums over words hardly ever agree unless
the words have the same letters, in any order."""


@lru_cache(maxsize=4)
def vocabulary(words: frozenset[str], real: frozenset[str] = frozenset()) -> Vocabulary:
    """The vocabulary of some words; the last few are kept, as a bundle's words stay the same."""
    return Vocabulary(words, real)
