"""Proofs over the audit log's tree.

An inclusion proof shows that an entry is in the tree of a checkpoint; a consistency proof shows that an earlier checkpoint's
tree is the beginning of a later one's. Generated after RFC 6962 sections 2.1.1 and 2.1.2, verified after RFC 9162 sections
2.1.3.2 and 2.1.4.2, whose step numbers the code names. Pure.
"""

from collections.abc import Iterator, Sequence

from ringfence.core.audit.tree import HASH_BYTES, merkle_root, node_hash
from ringfence.errors import RequestError

Span = tuple[int, int]
"""Entries `start` inclusive to `end` exclusive; a node of a proof is the root over one of these."""


def inclusion_spans(index: int, size: int) -> tuple[Span, ...]:
    """What the nodes of the proof stand for that leaf `index` is in a tree of `size`: PATH of RFC 6962 section 2.1.1, nearest
    node first.

    Raises: RequestError where there is no such leaf.
    """
    if not 0 <= index < size:
        raise RequestError(f"no entry {index} in a log of {size}")
    path: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_spans(old_size: int, size: int) -> tuple[Span, ...]:
    """What the nodes of the proof stand for that a tree of `old_size` begins one of `size`: PROOF of RFC 6962 section 2.1.2.

    Empty where the old tree is empty or is the whole tree: then there is nothing to prove.

    Raises: RequestError where the old tree is larger than the new one.
    """
    if not 0 <= old_size <= size:
        raise RequestError(f"no tree of {old_size} entries in a log of {size}")
    if old_size == 0:
        return ()
    path: list[Span] = []
    start, end, whole = 0, size, True
    while old_size < end:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start, whole = middle, False
    # The verifier knows the old root itself, but not a subtree of it.
    if not whole:
        path.append((start, end))
    return tuple(reversed(path))


def subtrees(span: Span) -> Iterator[tuple[int, int]]:
    """The complete subtrees that a node's span consists of, as (height, index among those of its height), largest first.

    Their hashes, in this order, are an edge: `tree.root_hash` gives the node.
    """
    start, end = span
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def inclusion_proof(index: int, leaf_hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    """The nodes of `inclusion_spans`, from the hashes of all leaves. Raises: RequestError."""
    return tuple(merkle_root(leaf_hashes[start:end]) for start, end in inclusion_spans(index, len(leaf_hashes)))


def consistency_proof(old_size: int, leaf_hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    """The nodes of `consistency_spans`, from the hashes of all leaves. Raises: RequestError."""
    return tuple(merkle_root(leaf_hashes[start:end]) for start, end in consistency_spans(old_size, len(leaf_hashes)))


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows a leaf hash at `index` in the tree of `size` leaves with that root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):  # step 1
        return False
    fn, sn, r = index, size - 1, leaf  # steps 2 and 3
    for p in proof:  # step 4
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root  # step 5


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the old tree begins the new one (RFC 9162 section 2.1.4.2).

    The RFC leaves two cases to the caller: equal sizes need equal roots, and an empty tree begins every tree; both need an
    empty proof.
    """
    if not 0 <= old_size <= new_size or not _are_hashes(old_root, new_root, *proof):
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    if old_size == 0:
        return not proof and old_root == merkle_root(())
    if not proof:  # step 1
        return False
    nodes = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)  # step 2
    fn, sn = old_size - 1, new_size - 1  # step 3
    while fn & 1:  # step 4
        fn, sn = fn >> 1, sn >> 1
    fr = sr = nodes[0]  # step 5
    for c in nodes[1:]:  # step 6
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root  # step 7


def _split(size: int) -> int:
    """The largest power of two below a size of at least two (RFC 6962 section 2.1)."""
    return 1 << ((size - 1).bit_length() - 1)


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
