"""Trees grow and make proofs as RFC 6962 says, compared with published ones and its recursion."""

from collections.abc import Iterator, Sequence
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemate.audit.merkle import EMPTY_ROOT, Frontier, leaf_hash, root
from casemate.warden.log.tree import TILE, Tree
from unit.audit import trees, vectors

RECORDS = [bytes([n]) for n in range(vectors.SUBTREES)]
LEAVES = [leaf_hash(each) for each in RECORDS]


def grown(records: Sequence[bytes]) -> Tree:
    tree = Tree(lambda tile: records[tile * TILE : (tile + 1) * TILE])
    for record in records:
        tree.append(record)
    return tree


PUBLISHED = grown(vectors.RECORDS)
ALL = grown(RECORDS)


def hexed(hashes: list[bytes] | tuple[bytes, ...]) -> list[str]:
    return [one.hex() for one in hashes]


def test_leaves_are_the_published_ones() -> None:
    assert hexed([leaf_hash(each) for each in vectors.RECORDS]) == vectors.LEAVES


@pytest.mark.parametrize("size", range(len(vectors.ROOTS)))
def test_roots_and_edges_are_the_published_ones(size: int) -> None:
    leaves = [leaf_hash(each) for each in vectors.RECORDS[:size]]
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)

    assert root(leaves).hex() == PUBLISHED.root(size).hex() == vectors.ROOTS[size]
    assert frontier.root().hex() == vectors.ROOTS[size]
    assert hexed(frontier.hashes()) == vectors.EDGES[size]


def test_proofs_are_the_published_ones() -> None:
    for (index, size), proof in vectors.INCLUSION.items():
        assert hexed(PUBLISHED.inclusion(index, size)) == proof
    for (old, new), proof in vectors.CONSISTENCY.items():
        assert hexed(PUBLISHED.consistency(old, new)) == proof


def subtrees() -> Iterator[tuple[int, int]]:
    for end in range(vectors.SUBTREES + 1):
        for start in range(end + 1):
            if start % (1 << max(end - start - 1, 0).bit_length()) == 0 or start == end:
                yield start, end


def test_hashes_and_proofs_of_all_subtrees_are_the_published_ones() -> None:
    by_start = {start: grown(RECORDS[start:]) for start in range(vectors.SUBTREES + 1)}
    hashes, proofs = sha256(), sha256()
    for start, end in subtrees():
        tree, size = by_start[start], end - start
        hashes.update(f"[{start}, {end}) {tree.root(size).hex()}\n".encode())
        for index in range(size):
            line = [f"{start + index} [{start}, {end})", *hexed(tree.inclusion(index, size))]
            proofs.update(f"{' '.join(line)}\n".encode())

    assert hashes.hexdigest() == vectors.SUBTREE_HASHES
    assert proofs.hexdigest() == vectors.SUBTREE_INCLUSION


@settings(deadline=None)
@given(st.data())
def test_a_tree_makes_the_proofs_of_the_definitions(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(0, size))

    assert ALL.root(size) == trees.root(LEAVES[:size])
    assert ALL.inclusion(index, size) == trees.inclusion(index, LEAVES[:size])
    assert ALL.consistency(old, size) == trees.consistency(old, LEAVES[:size])


@settings(deadline=None)
@given(st.integers(0, len(LEAVES)), st.integers(0, len(LEAVES)))
def test_a_frontier_that_was_kept_grows_on(one: int, other: int) -> None:
    kept, size = sorted((one, other))
    first = Frontier()
    for leaf in LEAVES[:kept]:
        first.append(leaf)
    again = Frontier.of(first.size, first.hashes())
    for leaf in LEAVES[kept:size]:
        again.append(leaf)

    assert again.size == size
    assert again.root() == ALL.root(size)
    assert first.root() == ALL.root(kept), "the first one has not grown with it"


def test_a_tree_without_leaves_has_the_published_root() -> None:
    assert grown([]).root() == Frontier().root() == root([]) == EMPTY_ROOT
    assert grown([]).consistency(0, 0) == []


@pytest.mark.parametrize(
    ("size", "hashes"),
    [
        (-1, [bytes(32)]),
        (0, [bytes(32)]),
        (3, [bytes(32)]),
        (3, [bytes(32)] * 3),
        (3, [bytes(32), bytes(31)]),
    ],
)
def test_what_is_no_edge_of_a_tree_is_refused(size: int, hashes: list[bytes]) -> None:
    assert Frontier.of(3, [bytes(32)] * 2).size == 3, "control"
    with pytest.raises(ValueError, match=r"hashes were given; a tree of -?\d has \d"):
        Frontier.of(size, hashes)


def test_sizes_and_indices_that_a_tree_has_not_are_refused() -> None:
    tree = grown(RECORDS[:5])
    for size in (-1, 6):
        with pytest.raises(ValueError, match="the tree has 5"):
            tree.root(size)
    for index, size in ((-1, 5), (5, 5), (0, 6), (0, 0)):
        with pytest.raises(ValueError, match="the tree has 5"):
            tree.inclusion(index, size)
    for old, new in ((-1, 5), (4, 3), (5, 6)):
        with pytest.raises(ValueError, match="the tree has 5"):
            tree.consistency(old, new)
