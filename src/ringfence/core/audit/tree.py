"""The Merkle tree of the audit log: RFC 6962 section 2.1 (the same tree as RFC 9162 section 2.1).

The log keeps an *edge*: one hash per set bit of the size, the largest complete subtree first. An edge is all that an append
or a root needs. Pure.

    edge = ()
    for size, leaf in enumerate(leaves):
        edge = append(size, edge, leaf_hash(leaf))
    root = root_hash(edge)
"""

from collections.abc import Iterable
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()
"""The root of the tree without leaves (RFC 6962 section 2.1)."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one entry's bytes. The first byte keeps a leaf from passing for a node (RFC 6962 section 2.1)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def append(size: int, edge: tuple[bytes, ...], leaf: bytes) -> tuple[bytes, ...]:
    """The edge after the leaf with hash `leaf` has joined a tree of `size` leaves."""
    # INVARIANT: len(edge) == size.bit_count(). Each trailing set bit of the size is a subtree that the new leaf completes.
    kept = len(edge)
    while size & 1:
        kept -= 1
        leaf = node_hash(edge[kept], leaf)
        size >>= 1
    return (*edge[:kept], leaf)


def root_hash(edge: tuple[bytes, ...]) -> bytes:
    """The root over an edge."""
    if not edge:
        return EMPTY_ROOT
    root = edge[-1]
    for left in edge[-2::-1]:
        root = node_hash(left, root)
    return root


def merkle_root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes in order: MTH of RFC 6962 section 2.1."""
    edge: tuple[bytes, ...] = ()
    for size, leaf in enumerate(leaf_hashes):
        edge = append(size, edge, leaf)
    return root_hash(edge)
