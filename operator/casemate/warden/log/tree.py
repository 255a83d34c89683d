"""The Merkle tree of a log that grows for years, in a quarter of a byte a record.

Hashes of the lowest eight levels are not kept but made again from the records of one tile (256
leaves, as in C2SP tlog-tiles) when a proof needs them; what is made again is held against the
tile's hash that was kept, so that a record that changed on the disk is noticed.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from threading import Lock

from casemate.audit.merkle import EMPTY_ROOT, leaf_hash, node_hash
from casemate.warden.log.errors import FatalLogError

TILE = 256
_LEVELS = 8
_HASH = 32
_KEPT_TILES = 64
"""Tiles held for proofs; 16 KiB each. Receipts are asked for records that are new."""

Pyramid = list[list[bytes]]
"""Hashes of one tile by level, leaves first."""


class Tree:
    """Grows in one thread, and answers in others about sizes that it had before the question."""

    def __init__(self, leaves: Callable[[int], Iterable[bytes]]) -> None:
        """Start empty.

        Args:
            leaves: Reads the records of a whole tile, by its number, from the disk.
        """
        self._leaves = leaves
        self._upper: list[bytearray] = []
        self._newest: Pyramid = [[]]
        self.size = 0
        """Number of leaves."""
        self._tiles: OrderedDict[int, Pyramid] = OrderedDict()
        self._lock = Lock()

    def append(self, record: bytes) -> None:
        """Add a record."""
        _grow(self._newest, leaf_hash(record))
        if len(self._newest[0]) == TILE:
            number = self.size // TILE
            with self._lock:
                self._keep(number, self._newest)
                self._raise(number, self._newest[_LEVELS][0])
                self._newest = [[]]
        self.size += 1

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first leaves, all of them if no size is given.

        Raises:
            ValueError: The tree never had that size.
        """
        wanted = self.size if size is None else size
        if not 0 <= wanted <= self.size:
            raise ValueError(f"size {wanted} was given; the tree has {self.size} leaves")
        return self._range(0, wanted)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof that a leaf is in the tree of a size (RFC 6962 2.1.1).

        Raises:
            ValueError: There is no such leaf or size.
        """
        if not 0 <= index < size <= self.size:
            raise ValueError(f"index {index} and size {size} were given; the tree has {self.size}")
        begin, end, path = 0, size, []
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(begin, middle))
                begin = middle
        return path[::-1]

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the tree of one size begins with that of another (RFC 6962 2.1.2).

        Raises:
            ValueError: The sizes are not in order, or the tree is smaller.
        """
        if not 0 <= old <= new <= self.size:
            raise ValueError(f"sizes {old} and {new} were given; the tree has {self.size}")
        if old in {0, new}:
            return []
        begin, end, path = 0, new, []
        while end != old:
            middle = begin + _split(end - begin)
            if old <= middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(begin, middle))
                begin = middle
        if begin:
            path.append(self._range(begin, end))
        return path[::-1]

    def _range(self, begin: int, end: int) -> bytes:
        """Hash of the leaves from `begin`, a multiple of a power of two that is not smaller."""
        if begin == end:
            return EMPTY_ROOT
        parts = list(_perfect(begin, end))
        found = self._node(*parts[-1])
        for level, index in reversed(parts[:-1]):
            found = node_hash(self._node(level, index), found)
        return found

    def _node(self, level: int, index: int) -> bytes:
        if level >= _LEVELS:
            at = index * _HASH
            return bytes(self._upper[level - _LEVELS][at : at + _HASH])
        number, within = divmod(index, TILE >> level)
        return self._pyramid(number)[level][within]

    def _pyramid(self, number: int) -> Pyramid:
        with self._lock:
            if number == self.size // TILE and self._newest[0]:
                return self._newest
            if number in self._tiles:
                self._tiles.move_to_end(number)
                return self._tiles[number]
        made: Pyramid = [[]]
        for record in self._leaves(number):
            _grow(made, leaf_hash(record))
        if len(made) <= _LEVELS or made[_LEVELS][0] != self._node(_LEVELS, number):
            raise FatalLogError(f"records from {number * TILE} on changed on the disk")
        with self._lock:
            self._keep(number, made)
        return made

    def _keep(self, number: int, pyramid: Pyramid) -> None:
        self._tiles[number] = pyramid
        while len(self._tiles) > _KEPT_TILES:
            self._tiles.popitem(last=False)

    def _raise(self, index: int, hashed: bytes) -> None:
        """Keep the hash of a whole tile, and of whatever it completes above."""
        level = 0
        while True:
            if level == len(self._upper):
                self._upper.append(bytearray())
            self._upper[level] += hashed
            if not index & 1:
                return
            hashed = node_hash(bytes(self._upper[level][-2 * _HASH : -_HASH]), hashed)
            level, index = level + 1, index >> 1


def _grow(pyramid: Pyramid, hashed: bytes) -> None:
    level = 0
    while True:
        if level == len(pyramid):
            pyramid.append([])
        row = pyramid[level]
        row.append(hashed)
        if len(row) & 1:
            return
        hashed, level = node_hash(row[-2], row[-1]), level + 1


def _split(size: int) -> int:
    """Largest power of two below a size of two or more."""
    return 1 << (size - 1).bit_length() - 1


def _perfect(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield level and index of the whole subtrees that make up a range, large ones first."""
    while begin < end:
        level = (end - begin).bit_length() - 1
        yield level, begin >> level
        begin += 1 << level
