"""The words that a reading may be recognised by: common ones, and those that the caller gives."""

import codecs
from collections.abc import Callable
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from casemate.guard.views.chars import FLAGS, WIDE, Index, Mask, index, points, sums
from casemate.guard.views.common import ANAGRAMS, PAIRS, WORDS

_KNOWN = 3
_PLANE = 0x2000  # up to where letters have cases
_FIRST_WIDE = "\u1100"
_BITS = 20
_UPPER = np.uint64(64 - _BITS)
_FACTOR = np.uint64(0xD1342543DE82EF95)
_BACK = np.uint64(pow(int(_FACTOR), -1, 1 << 64))  # so that factor times this is 1
_GOLDEN, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
LEAST = 6
"""Letters of a word that is known by its letters alone: shorter ones have too many neighbours, such
as form and from."""


_POWERS = tuple(np.full(4096, base).cumprod() for base in (_FACTOR, _BACK))


def _powers(which: int, number: int) -> NDArray[np.uint64]:
    some = _POWERS[which]
    return some[:number] if number <= some.size else np.full(number, some[0]).cumprod()


class _Hashes:
    """A number for each stretch of some letters, which tells their order as well."""

    def __init__(self, numbers: NDArray[np.uint64]) -> None:
        self._back = _powers(1, numbers.size + 1)
        self._total = np.zeros(numbers.size + 1, np.uint64)
        (numbers * _powers(0, numbers.size)).cumsum(out=self._total[1:])

    def of(self, starts: Index, ends: Index) -> NDArray[np.uint64]:
        """The numbers of the stretches; equal where the letters are, from wherever they start."""
        return np.asarray((self._total[ends] - self._total[starts]) * self._back[starts], np.uint64)


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
        words = [word for word in self.words | self.known if word[0] >= _FIRST_WIDE]
        wide = {word for word in words if (FLAGS[index(points(word))] & WIDE).all()} | PAIRS
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
        words = [word for word in sorted(self.words) if len(word) >= LEAST]
        spelled = [each for word in words for each in (word, squeezed(word))]
        ends = np.cumsum([len(each) for each in spelled])
        letters = NUMBERS[index(points("".join(spelled)))]
        totals = sums(letters, np.append(0, ends[:-1]), ends) if words else letters
        pairs: dict[int, str] = {}
        for number, total in enumerate(totals.tolist()):
            pairs.setdefault(total, words[number // 2])
        order = sorted(pairs)
        return np.array(order, np.uint64), [pairs[one] for one in order]

    @cached_property
    def hashes(self) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
        """The words that have spaces around them as numbers: a table by upper bits, and sorted."""
        words = [word for word in self.known | WORDS if not "\u2e80" <= word[0] < "\uac00"]
        letters = _Hashes(NUMBERS[index(points("".join(words)))])
        ends = np.cumsum([len(word) for word in words])
        order = np.unique(letters.of(np.append(0, ends[:-1]), ends))
        table = np.zeros(1 << _BITS, bool)
        table[order >> _UPPER] = True
        return table, order

    def knows(self, numbers: NDArray[np.uint64], starts: Index, ends: Index) -> Mask:
        """Which stretches of letters of ``NUMBERS`` are words."""
        _, order = self.hashes
        found = _Hashes(numbers).of(starts, ends)
        place = np.minimum(order.searchsorted(found), order.size - 1)
        return np.asarray(order[place] == found, np.bool_)

    def within(self, numbers: NDArray[np.uint64], longest: int) -> list[Index]:
        """Where words of each length, less one, begin among letters of ``NUMBERS``."""
        table, order = self.hashes
        letters = _Hashes(numbers)
        found = []
        for length in range(1, min(longest, numbers.size) + 1):
            starts = np.arange(numbers.size - length + 1)
            hashes = letters.of(starts, starts + length)
            likely = np.flatnonzero(table[hashes >> _UPPER])
            place = np.minimum(np.searchsorted(order, hashes[likely]), order.size - 1)
            found.append(likely[order[place] == hashes[likely]])
        return found

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
