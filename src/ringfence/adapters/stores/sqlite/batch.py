"""Many units as the parameters of one transaction. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ringfence.adapters.stores.sqlite.pending import Pending
from ringfence.adapters.stores.sqlite.sql import SHRINKING, TABLES
from ringfence.core.audit.stem import entry_hash
from ringfence.core.audit.tree import append

ANCHOR_EVERY = 2048
"""Entries. At start the head is recomputed from the last anchor, so this bounds that work and what it can find."""

HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Tree:
    """The head of the log as the writer keeps it."""

    size: int = 0
    edge: tuple[bytes, ...] = ()
    anchor_size: int = 0
    anchor_edge: tuple[bytes, ...] = ()


def grown(tree: Tree, leaves: Sequence[bytes]) -> Tree:
    """The tree after these leaves."""
    if not leaves:
        return tree
    size, edge = tree.size, tree.edge
    for leaf in leaves:
        edge = append(size, edge, entry_hash(leaf))
        size += 1
    if tree.size - tree.anchor_size >= ANCHOR_EVERY:
        return Tree(size, edge, tree.size, tree.edge)
    return Tree(size, edge, tree.anchor_size, tree.anchor_edge)


def split_edge(joined: bytes) -> tuple[bytes, ...]:
    """The hashes of an edge stored as one blob."""
    return tuple(joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES))


def parameters(batch: Sequence[Pending], tree: Tree) -> tuple[tuple[object, ...], Tree]:
    """The parameters of `WRITE_BATCH` and the tree after it. Lists without members are None, which SQLite skips."""
    leaves = [leaf for pending in batch for leaf in pending.leaves]
    after = grown(tree, leaves)
    puts: dict[str, dict[str, bytes | None]] = {}
    for pending in batch:
        for table, key, row in pending.rows:
            put = puts.setdefault(table, {})
            if row is None and table == "holds" and put.get(key) is not None:
                # A hold is only ever taken once, so one that was taken in this batch was never on the disk.
                del put[key]
            else:
                put[key] = row
    notes = [note for pending in batch for note in pending.notes]
    return (
        tree.size,
        _spans(leaves),
        b"".join(leaves),
        after.size,
        b"".join(after.edge),
        after.anchor_size,
        b"".join(after.anchor_edge),
        *(_present(puts.get(table)) for table in TABLES),
        *(_gone(puts.get(table)) for table in SHRINKING),
        msgspec.json.encode(notes).decode() if notes else None,
    ), after


def _spans(leaves: Sequence[bytes]) -> str | None:
    if not leaves:
        return None
    spans: list[str] = []
    at = 1
    for leaf in leaves:
        spans.append(f"[{at},{len(leaf)}]")
        at += len(leaf)
    return f"[{','.join(spans)}]"


def _present(rows: dict[str, bytes | None] | None) -> str | None:
    kept = [row for row in rows.values() if row is not None] if rows else []
    return (b"[" + b",".join(kept) + b"]").decode() if kept else None


def _gone(rows: dict[str, bytes | None] | None) -> str | None:
    gone = [key for key, row in rows.items() if row is None] if rows else []
    return msgspec.json.encode(gone).decode() if gone else None
