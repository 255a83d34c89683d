"""Hashed character n-grams, words and pairs of words: what the linear tier sees besides concepts.

All is computed on arrays, not in a loop over characters: 1 KB takes about 0.1 ms.
"""

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]

_LONGEST = 5  # characters in an n-gram, the spaces round a word included
_SHORTEST = 3
_EAST = 0x3400  # from here on a character says as much as a short word: pairs count too
_SPACE = 32
_PRIME = np.uint32(0x01000193)
_SEED = np.uint32(0x811C9DC5)
_PAIR = np.uint32(0x9E3779B1)


def buckets(folded: str, size: int) -> NDArray[np.intp]:
    """Return the buckets (0 ≤ b < `size`, a power of two) of all n-grams, each once, ascending.

    `folded` begins and ends with a space, as `fold` leaves it.
    """
    codes = np.frombuffer(folded.encode("utf-32-le"), "<u4").astype(np.uint32)
    spaces = codes == _SPACE
    found = [*_words(codes, spaces), *_characters(codes, np.cumsum(spaces))]
    return np.unique(_spread(np.concatenate(found)) & np.uint32(size - 1)).astype(np.intp)


def _characters(codes: Hashes, word: NDArray[np.intp]) -> list[Hashes]:
    """Hash the n-grams whose spaces stand at an end; `word` counts the spaces up to a place."""
    found = []
    state = _mixed(np.full(codes.shape, _SEED), codes)
    for n in range(2, min(_LONGEST, len(codes)) + 1):
        state = _mixed(state[:-1], codes[n - 1 :])
        kept = word[n - 2 : len(word) - 1] == word[: len(word) - n + 1]
        if n < _SHORTEST:
            kept &= (codes[:-1] >= _EAST) & (codes[1:] >= _EAST)
        found.append(state[kept])
    return found


def _words(codes: Hashes, spaces: NDArray[np.bool_]) -> list[Hashes]:
    """Hash whole words and pairs of neighbours."""
    starts = np.flatnonzero(spaces)[:-1]
    if not len(starts):
        return []
    codes = codes[:-1]  # the space at the end belongs to no word
    place = np.arange(len(codes), dtype=np.uint32)
    place -= np.repeat(starts, np.diff(np.append(starts, len(codes)))).astype(np.uint32)
    words = _spread(np.add.reduceat(_spread(codes * _PRIME + place * _PAIR), starts))
    return [words, words[:-1] * _PAIR + words[1:]]


def _mixed(state: Hashes, codes: Hashes) -> Hashes:
    return (state ^ codes) * _PRIME


def _spread(state: Hashes) -> Hashes:
    state = (state ^ (state >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    return state ^ (state >> np.uint32(12))
