"""The tree that keeps no leaves, beside RFC 6962 as it is written."""

import pytest

from casemate.audit.merkle import leaf_hash
from casemate.warden.log.errors import FatalLogError
from casemate.warden.log.tree import TILE, Tree
from unit.audit import trees

SIZE = 5 * TILE + 77


def leaf(index: int) -> bytes:
    return b"%d" % index


def stored(tile: int) -> list[bytes]:
    return [leaf(index) for index in range(tile * TILE, (tile + 1) * TILE)]


HASHES = [leaf_hash(leaf(index)) for index in range(SIZE)]


@pytest.fixture(scope="module")
def tree() -> Tree:
    made = Tree(stored)
    for index in range(SIZE):
        assert made.root() == (trees.root(HASHES[:index])) or index > 600
        made.append(leaf(index))
    return made


SIZES = (1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 1100, SIZE - 1, SIZE)


@pytest.mark.parametrize("size", SIZES)
def test_roots_of_every_size_are_known(tree: Tree, size: int):
    assert tree.root(size) == trees.root(HASHES[:size])


@pytest.mark.parametrize("size", SIZES)
def test_inclusion_is_as_the_rfc_has_it(tree: Tree, size: int):
    for index in {0, 1, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
        assert tree.inclusion(index, size) == trees.inclusion(index, HASHES[:size]), index


@pytest.mark.parametrize("new", SIZES)
def test_consistency_is_as_the_rfc_has_it(tree: Tree, new: int):
    for old in {one for one in (*SIZES, new // 2, new - 1) if 0 < one <= new}:
        assert tree.consistency(old, new) == trees.consistency(old, HASHES[:new]), old


@pytest.mark.parametrize("given", [(-1, 5), (5, 5), (0, SIZE + 1)])
def test_what_is_not_there_has_no_proof(tree: Tree, given: tuple[int, int]):
    with pytest.raises(ValueError, match=f"the tree has {SIZE}"):
        tree.inclusion(*given)


@pytest.mark.parametrize("given", [(-1, 5), (6, 5), (0, SIZE + 1)])
def test_sizes_out_of_order_have_no_proof(tree: Tree, given: tuple[int, int]):
    with pytest.raises(ValueError, match=f"the tree has {SIZE}"):
        tree.consistency(*given)


def test_a_record_that_changed_on_the_disk_is_noticed():
    held = {tile: stored(tile) for tile in range(70)}
    tree = Tree(held.__getitem__)
    for tile in range(70):
        for record in held[tile]:
            tree.append(record)
    assert len(tree.inclusion(5, tree.size)) > 8
    held[1][9] = b"changed"
    with pytest.raises(FatalLogError, match="records from 256 on changed"):
        tree.inclusion(TILE + 5, tree.size)
    del held[2][9]
    with pytest.raises(FatalLogError, match="records from 512 on changed"):
        tree.inclusion(2 * TILE + 5, tree.size)


def test_memory_stays_small():
    tree = Tree(stored)
    for index in range(100 * TILE):
        tree.append(leaf(index))
    assert sum(len(one) for one in tree._upper) < 2 * 100 * 32
    assert len(tree._tiles) <= 64
