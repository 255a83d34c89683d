"""Merkle trees as in RFC 6962 2.1: the hash of all records, and short proofs about it.

A proof of inclusion shows that a record is in a tree; a proof of consistency, that one tree is the
beginning of another. Both are at most as long as the tree is high.
"""

import hashlib
from collections.abc import Iterator, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""
HASH_BYTES = 32


class ProofError(ValueError):
    """A proof does not show what it should."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a record."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two neighbours."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a tree: enough to grow and to know its root, in logarithmic memory."""

    def __init__(self) -> None:
        self.size = 0
        """Number of leaves."""
        self._edge: list[bytes] = []

    @classmethod
    def of(cls, size: int, hashes: Sequence[bytes]) -> "Frontier":
        """Return the edge that was kept of a tree.

        Args:
            size: Its number of leaves.
            hashes: What `hashes` returned then.

        Raises:
            ValueError: They are not the edge of a tree of this size.
        """
        if size < 0 or len(hashes) != size.bit_count() or not _whole(hashes):
            raise ValueError(
                f"{len(hashes)} hashes were given; a tree of {size} has {size.bit_count()}, "
                f"of {HASH_BYTES} bytes each"
            )
        found = cls()
        found.size, found._edge = size, list(hashes)
        return found

    def hashes(self) -> tuple[bytes, ...]:
        """Return the roots of the whole subtrees that make up the tree, the largest first."""
        return tuple(self._edge)

    def append(self, leaf: bytes) -> None:
        """Add a leaf's hash."""
        full, size = leaf, self.size
        while size & 1:
            full = node_hash(self._edge.pop(), full)
            size >>= 1
        self._edge.append(full)
        self.size += 1

    def root(self) -> bytes:
        """Return the tree's root."""
        if not self._edge:
            return EMPTY_ROOT
        *rest, found = self._edge
        for left in reversed(rest):
            found = node_hash(left, found)
        return found


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaves' hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Make sure that a leaf stands at an index of a tree.

    Args:
        leaf: Its hash.
        index: From 0.
        size: Leaves of the tree.
        proof: Hashes from the leaf's sibling upwards.
        root: Of the tree.

    Raises:
        ProofError: It is not shown.
    """
    if not 0 <= index < size:
        raise ProofError(f"index {index} is given; a tree of {size} has 0 to {size - 1}")
    found, rest = leaf, _hashes(leaf, root, *proof)[2:]
    for left in _sides(index, size - 1):
        other = _next(rest)
        found = node_hash(other, found) if left else node_hash(found, other)
    _spent(rest)
    if found != root:
        raise ProofError(f"the record at {index} leads to another root than the checkpoint's")


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Make sure that a tree begins with all of an older one.

    Every tree begins with the empty one, without a proof (C2SP tlog-witness).

    Raises:
        ProofError: It is not shown.
    """
    if not 0 <= old_size <= new_size:
        raise ProofError(f"a tree of {new_size} cannot have grown from one of {old_size}")
    rest = _hashes(old_root, new_root, *proof)[2:]
    for size, root in ((old_size, old_root), (new_size, new_root)):
        if not size and root != EMPTY_ROOT:
            raise ProofError("a tree without leaves has another root than that")
    if old_size in {0, new_size}:
        if old_size and old_root != new_root:
            raise ProofError(f"two trees of {new_size} leaves have different roots")
        _spent(rest)
        return
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    older = newer = _next(rest) if node else old_root
    for left in _sides(node, last):
        other = _next(rest)
        newer = node_hash(other, newer) if left else node_hash(newer, other)
        older = node_hash(other, older) if left else older
    _spent(rest)
    if older != old_root:
        raise ProofError(f"the tree did not begin with the one of {old_size} records")
    if newer != new_root:
        raise ProofError("the proof leads to another root than the checkpoint's")


def _whole(hashes: Sequence[bytes]) -> bool:
    return all(len(one) == HASH_BYTES for one in hashes)


def _hashes(*given: bytes) -> list[bytes]:
    if not _whole(given):
        raise ProofError(f"a hash that has not {HASH_BYTES} bytes")
    return list(given)


def _next(rest: list[bytes]) -> bytes:
    if not rest:
        raise ProofError("the proof is too short")
    return rest.pop(0)


def _spent(rest: list[bytes]) -> None:
    if rest:
        raise ProofError(f"the proof has {len(rest)} hashes too many")


def _sides(node: int, last: int) -> Iterator[bool]:
    """Yield, from a node upwards, whether its sibling is on the left, where it has one.

    Args:
        node: Its number on its level.
        last: That of the last node on the level.
    """
    while last:
        left = bool(node & 1) or node == last
        while left and not node & 1:
            # The last of an odd number has no sibling: it moves up until it is a right child.
            node, last = node >> 1, last >> 1
        yield left
        node, last = node >> 1, last >> 1
