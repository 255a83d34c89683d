"""What shows that a record is in a tree, and that a tree begins with another; and what does not."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemate.audit.merkle import (
    EMPTY_ROOT,
    ProofError,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from unit.audit import trees, vectors

LEAVES = [leaf_hash(bytes([n])) for n in range(70)]
ROOTS = [trees.root(LEAVES[:size]) for size in range(len(LEAVES) + 1)]
OTHER = leaf_hash(b"other")


def unhexed(hashes: list[str]) -> list[bytes]:
    return [bytes.fromhex(one) for one in hashes]


def shows(verify: Callable[..., None], *given: Any) -> bool:
    try:
        verify(*given)
    except ProofError:
        return False
    return True


def test_published_proofs_show_what_they_should() -> None:
    leaves, roots = unhexed(vectors.LEAVES), unhexed(vectors.ROOTS)
    for (index, size), proof in vectors.INCLUSION.items():
        verify_inclusion(leaves[index], index, size, unhexed(proof), roots[size])
    for (old, new), proof in vectors.CONSISTENCY.items():
        verify_consistency(old, roots[old], new, roots[new], unhexed(proof))


@pytest.mark.parametrize("size", range(1, 34))
def test_every_leaf_is_shown_to_be_in_its_tree_and_nowhere_else(size: int) -> None:
    leaves = LEAVES[:size]
    for index, leaf in enumerate(leaves):
        proof = trees.inclusion(index, leaves)
        places = [
            other
            for other in range(-1, size + 2)
            if shows(verify_inclusion, leaf, other, size, proof, ROOTS[size])
        ]
        assert places == [index]


@pytest.mark.parametrize("size", range(34))
def test_every_tree_is_shown_to_begin_with_every_older_one(size: int) -> None:
    for old in range(size + 1):
        proof = trees.consistency(old, LEAVES[:size])
        verify_consistency(old, ROOTS[old], size, ROOTS[size], proof)


def _flipped(draw: st.DrawFn, one: bytes) -> bytes:
    at = draw(st.integers(0, len(one) * 8 - 1))
    return (int.from_bytes(one) ^ 1 << at).to_bytes(len(one))


@st.composite
def changed(draw: st.DrawFn, proof: list[bytes]) -> list[bytes]:
    """Return another proof: a bit, an order, a length or everything differs."""
    at = draw(st.integers(0, max(len(proof) - 1, 0)))
    ways = [
        [*proof[:at], draw(st.sampled_from([OTHER, *ROOTS])), *proof[at:]],
        [*proof, draw(st.sampled_from([OTHER, *proof]))],
        draw(st.lists(st.sampled_from([OTHER, *LEAVES, *ROOTS]), max_size=8)),
        [*proof[:at], *proof[at + 1 :]],
        proof[:at],
        proof[::-1],
        [*proof[:at], *(_flipped(draw, one) for one in proof[at : at + 1]), *proof[at + 1 :]],
        [*proof[:at], *(one[:-1] for one in proof[at : at + 1]), *proof[at + 1 :]],
        [*proof[:at], *(one + b"\0" for one in proof[at : at + 1]), *proof[at + 1 :]],
    ]
    return draw(st.sampled_from([way for way in ways if way != proof]))


@settings(deadline=None)
@given(st.data())
def test_no_other_proof_shows_that_a_leaf_is_in_a_tree(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    leaf, proof = LEAVES[index], trees.inclusion(index, LEAVES[:size])
    top = ROOTS[size]
    verify_inclusion(leaf, index, size, proof, top)

    other = data.draw(changed(proof))
    assert not shows(verify_inclusion, leaf, index, size, other, top)
    for wrong in (OTHER, LEAVES[index - 1], leaf[:-1], leaf + b"\0"):
        if wrong != leaf:
            assert not shows(verify_inclusion, wrong, index, size, proof, top)
    for wrong in (OTHER, ROOTS[size - 1], top[:-1], b""):
        assert not shows(verify_inclusion, leaf, index, size, proof, wrong)


@settings(deadline=None)
@given(st.data())
def test_no_other_proof_shows_that_a_tree_has_grown(data: st.DataObject) -> None:
    new = data.draw(st.integers(0, len(LEAVES)))
    old = data.draw(st.integers(0, new))
    proof = trees.consistency(old, LEAVES[:new])
    before, after = ROOTS[old], ROOTS[new]
    verify_consistency(old, before, new, after, proof)

    other = data.draw(changed(proof))
    assert not shows(verify_consistency, old, before, new, after, other)
    for wrong in (OTHER, before[:-1], b""):
        assert not shows(verify_consistency, old, wrong, new, after, proof)
        if old:
            assert not shows(verify_consistency, old, before, new, wrong, proof)
    for size in set(range(len(LEAVES))) - {old}:
        if size <= new:
            assert not shows(verify_consistency, size, before, new, after, proof)


def test_a_size_that_asks_for_a_proof_of_another_length_shows_nothing() -> None:
    """A proof that fits several sizes shows the same leaf in a tree of any of them (RFC 6962)."""
    lengths = {
        (index, size): len(trees.inclusion(index, LEAVES[:size]))
        for size in range(1, 34)
        for index in range(size)
    }
    for (index, size), length in lengths.items():
        proof = trees.inclusion(index, LEAVES[:size])
        for other in range(34):
            if lengths.get((index, other)) != length:
                leaf, top = LEAVES[index], ROOTS[size]
                assert not shows(verify_inclusion, leaf, index, other, proof, top)


def test_a_log_that_became_shorter_or_was_made_anew_is_named() -> None:
    with pytest.raises(ProofError, match="a tree of 3 cannot have grown from one of 5"):
        verify_consistency(5, ROOTS[5], 3, ROOTS[3], [])
    with pytest.raises(ProofError, match="cannot have grown from one of -1"):
        verify_consistency(-1, EMPTY_ROOT, 3, ROOTS[3], [])
    with pytest.raises(ProofError, match="two trees of 3 leaves have different roots"):
        verify_consistency(3, OTHER, 3, ROOTS[3], [])
    with pytest.raises(ProofError, match="did not begin with the one of 3 records"):
        verify_consistency(3, OTHER, 5, ROOTS[5], trees.consistency(3, LEAVES[:5]))
    with pytest.raises(ProofError, match="another root than the checkpoint's"):
        verify_consistency(3, ROOTS[3], 5, OTHER, trees.consistency(3, LEAVES[:5]))
    with pytest.raises(ProofError, match="index 3 is given"):
        verify_inclusion(LEAVES[0], 3, 3, [], ROOTS[3])


@pytest.mark.parametrize("short", [b"", bytes(31), bytes(33)])
def test_what_is_no_hash_shows_nothing_though_it_is_the_same(short: bytes) -> None:
    verify_inclusion(OTHER, 0, 1, [], OTHER)
    verify_consistency(1, OTHER, 1, OTHER, [])
    with pytest.raises(ProofError, match="has not 32 bytes"):
        verify_inclusion(short, 0, 1, [], short)
    with pytest.raises(ProofError, match="has not 32 bytes"):
        verify_consistency(1, short, 1, short, [])


def test_a_tree_without_leaves_has_one_root() -> None:
    verify_consistency(0, EMPTY_ROOT, 5, ROOTS[5], [])
    for old, new in ((OTHER, ROOTS[5]), (ROOTS[5], ROOTS[5])):
        with pytest.raises(ProofError, match="without leaves"):
            verify_consistency(0, old, 5, new, [])
    with pytest.raises(ProofError, match="without leaves"):
        verify_consistency(0, EMPTY_ROOT, 0, OTHER, [])
    with pytest.raises(ProofError, match="1 hashes too many"):
        verify_consistency(0, EMPTY_ROOT, 5, ROOTS[5], [OTHER])
