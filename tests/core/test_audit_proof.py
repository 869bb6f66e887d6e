"""Every entry has a verifying inclusion proof, every earlier tree a consistency proof, and nothing else verifies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.audit.proof import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from ringfence.core.audit.tree import leaf_hash, merkle_root
from ringfence.errors import RequestError

SIZES = range(1, 34)
HASHES = [leaf_hash(str(number).encode()) for number in range(max(SIZES) + 1)]
ROOTS = [merkle_root(HASHES[:size]) for size in range(len(HASHES))]
OTHER = leaf_hash(b"other")

# RFC 6962 section 2.1.3 draws a tree of seven leaves d0..d6 with the inner nodes g..l and names these proofs.
SEVEN = HASHES[:7]
NODE_G, NODE_H, NODE_I, NODE_J = merkle_root(SEVEN[0:2]), merkle_root(SEVEN[2:4]), merkle_root(SEVEN[4:6]), SEVEN[6]
NODE_K, NODE_L = merkle_root(SEVEN[0:4]), merkle_root(SEVEN[4:7])


@pytest.mark.parametrize(
    ("index", "proof"),
    [(0, (SEVEN[1], NODE_H, NODE_L)), (3, (SEVEN[2], NODE_G, NODE_L)), (4, (SEVEN[5], NODE_J, NODE_K)), (6, (NODE_I, NODE_K))],
)
def test_inclusion_proofs_are_those_of_the_example_in_rfc_6962(index: int, proof: tuple[bytes, ...]) -> None:
    assert inclusion_proof(index, SEVEN) == proof


@pytest.mark.parametrize(
    ("old", "proof"),
    [(3, (SEVEN[2], SEVEN[3], NODE_G, NODE_L)), (4, (NODE_L,)), (6, (NODE_I, NODE_J, NODE_K))],
)
def test_consistency_proofs_are_those_of_the_example_in_rfc_6962(old: int, proof: tuple[bytes, ...]) -> None:
    assert consistency_proof(old, SEVEN) == proof


@pytest.mark.requirement("I12")
@pytest.mark.parametrize("size", SIZES)
def test_every_entry_has_an_inclusion_proof_that_fits_no_other_place(size: int) -> None:
    leaves, root = HASHES[:size], ROOTS[size]
    for index in range(size):
        proof = inclusion_proof(index, leaves)
        assert verify_inclusion(index, size, leaves[index], proof, root)
        assert not verify_inclusion(index, size, OTHER, proof, root)
        assert not verify_inclusion(index, size, leaves[index], proof, OTHER)
        assert not verify_inclusion(index, size, leaves[index], (*proof, OTHER), root)
        assert not any(
            verify_inclusion(other, size, leaves[index], proof, root) for other in range(-1, size + 1) if other != index
        )


@pytest.mark.requirement("I12")
@pytest.mark.parametrize("size", SIZES)
def test_every_earlier_tree_has_a_consistency_proof_that_fits_no_other_tree(size: int) -> None:
    leaves, root = HASHES[:size], ROOTS[size]
    for old in range(size + 1):
        proof = consistency_proof(old, leaves)
        assert verify_consistency(old, size, ROOTS[old], root, proof)
        assert not verify_consistency(old, size, OTHER, root, proof)
        assert not verify_consistency(old, size, ROOTS[old], root, (*proof, OTHER))
        if old:
            assert not verify_consistency(old, size, ROOTS[old], OTHER, proof)


@given(st.data())
def test_a_proof_with_one_bit_flipped_or_one_hash_missing_does_not_verify(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 33))
    leaves, root = HASHES[:size], ROOTS[size]
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    inclusion, consistency = inclusion_proof(index, leaves), consistency_proof(old, leaves)
    for proof, verifies in (
        (inclusion, lambda path: verify_inclusion(index, size, leaves[index], path, root)),
        (consistency, lambda path: verify_consistency(old, size, ROOTS[old], root, path)),
    ):
        at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        flipped = (int.from_bytes(proof[at]) ^ (1 << bit)).to_bytes(32)
        assert verifies(proof)
        assert not verifies((*proof[:at], flipped, *proof[at + 1 :]))
        assert not verifies((*proof[:at], *proof[at + 1 :]))


@given(st.integers(-3, 40), st.integers(-3, 40), st.lists(st.binary(max_size=33) | st.sampled_from(HASHES), max_size=7))
def test_whatever_is_claimed_the_answer_is_yes_or_no(first: int, second: int, proof: list[bytes]) -> None:
    assert verify_inclusion(first, second, OTHER, proof, ROOTS[5]) is False
    assert verify_consistency(first, second, OTHER, ROOTS[5], proof) is False


def test_a_rewritten_history_is_consistent_with_no_earlier_tree() -> None:
    rewritten = [*HASHES[:3], OTHER, *HASHES[4:9]]
    for old in range(4, 9):
        assert not verify_consistency(old, 9, ROOTS[old], merkle_root(rewritten), consistency_proof(old, rewritten))


@pytest.mark.parametrize("index", [-1, 7])
def test_there_is_no_proof_for_an_entry_that_is_not_there(index: int) -> None:
    with pytest.raises(RequestError):
        inclusion_proof(index, SEVEN)


@pytest.mark.parametrize("old", [-1, 8])
def test_there_is_no_proof_from_a_tree_that_was_larger(old: int) -> None:
    with pytest.raises(RequestError):
        consistency_proof(old, SEVEN)
