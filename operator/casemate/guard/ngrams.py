"""Hashed character n-grams, words and pairs of words: what the linear tier sees besides concepts.

All is computed on arrays, over several texts at once: an operation on an array costs as much for a
sentence as for a page. 1 KB takes about 0.1 ms.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]
Buckets = NDArray[np.intp]
Places = NDArray[np.intp]

_LONGEST = 5  # characters in an n-gram, the spaces round a word included
_SHORTEST = 3
_EAST = 0x3400  # from here on a character says as much as a short word: pairs count too
_SPACE = 32
_PRIME = np.uint32(0x01000193)
_SEED = np.uint32(0x811C9DC5)
_PAIR = np.uint32(0x9E3779B1)


def buckets(folded: Sequence[str], size: int) -> list[Buckets]:
    """Return each text's buckets (0 ≤ b < `size`, a power of two) of all n-grams, once, ascending.

    A text begins and ends with a space, as `fold` leaves it: so no n-gram crosses from one to the
    next.
    """
    if not folded:
        return []
    codes = np.frombuffer("".join(folded).encode("utf-32-le"), "<u4").astype(np.uint32, copy=False)
    ends = np.cumsum([len(text) for text in folded])
    text = np.repeat(np.arange(len(folded)), np.diff(ends, prepend=0))
    spaces = codes == _SPACE
    found = [*_words(codes, spaces, ends - 1, text), *_characters(codes, spaces, text)]
    hashes = _spread(np.concatenate([each for each, _ in found]))
    owners = np.concatenate([each for _, each in found])
    keys = np.sort(owners * size + (hashes & np.uint32(size - 1)).astype(np.intp))
    keys = keys[np.append(True, keys[1:] != keys[:-1])]
    cuts = np.searchsorted(keys, np.arange(len(folded) + 1) * size).tolist()
    keys &= size - 1
    return [keys[start:end] for start, end in pairwise(cuts)]


def _characters(
    codes: Hashes, spaces: NDArray[np.bool_], text: Places
) -> list[tuple[Hashes, Places]]:
    """Hash the n-grams whose spaces stand at an end; with the number of the text of each."""
    found = []
    word = np.cumsum(spaces)
    state = _mixed(_SEED, codes)
    for n in range(2, min(_LONGEST, len(codes)) + 1):
        state = _mixed(state[:-1], codes[n - 1 :])
        if n < _SHORTEST:
            east = codes >= _EAST
            kept = np.flatnonzero(east[:-1] & east[1:])
        else:
            kept = np.flatnonzero(word[n - 2 : len(word) - 1] == word[: len(word) - n + 1])
        found.append((state[kept], text[kept]))
    return found


def _words(
    codes: Hashes, spaces: NDArray[np.bool_], last: Places, text: Places
) -> list[tuple[Hashes, Places]]:
    """Hash whole words and pairs of neighbours."""
    begins = spaces.copy()
    begins[last] = False  # the space at the end of a text belongs to no word
    starts = np.flatnonzero(begins)
    place = np.arange(len(codes), dtype=np.uint32)
    place -= np.repeat(starts, np.diff(np.append(starts, len(codes)))).astype(np.uint32)
    letters = _spread(codes * _PRIME + place * _PAIR)
    letters[last] = 0
    # Sums of 32 bits have 64, and are mixed as such: weights were learned for these buckets.
    words, of = _spread(np.add.reduceat(letters, starts)), text[starts]
    pairs = np.flatnonzero(of[:-1] == of[1:])
    return [(words, of), (words[pairs] * _PAIR + words[pairs + 1], of[pairs])]


def _mixed(state: Hashes | np.uint32, codes: Hashes) -> Hashes:
    return (state ^ codes) * _PRIME


def _spread(state: Hashes) -> Hashes:
    state = (state ^ (state >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    return state ^ (state >> np.uint32(12))
