"""The tree's hashes kept as full tiles of 256, so that a proof reads some kilobytes and not the log.

The writer makes tiles a little after entries become searchable; what has no tile yet is hashed from its leaves. A tile only
repeats what the leaves say: nothing is trusted because of it, and a wrong one makes a proof that does not verify.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import apsw
import msgspec

from ringfence.adapters.stores.sqlite import sql
from ringfence.core.audit.stem import entry_hash
from ringfence.core.audit.tiles import WIDTH
from ringfence.core.audit.tree import HASH_BYTES, merkle_root
from ringfence.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class FullTile:
    """The hashes of one tile, joined, and their root, which is a hash of the tile above."""

    level: int
    index: int
    hashes: bytes
    root: bytes


def tiles_from(db: apsw.Connection, first: int, end: int) -> Iterator[FullTile]:
    """The tiles at level 0 from number `first` to `end`, exclusive, and those above that they complete.

    Whoever writes them writes each before asking for the next: a tile above is made of those below in the tables.
    """
    for index in range(first, end):
        tile = _full(0, index, leaf_hashes(db, index * WIDTH, WIDTH))
        yield tile
        level = 0
        while (tile.index + 1) % WIDTH == 0:
            level += 1
            above = tile.index // WIDTH
            tile = _full(level, above, _roots(db, level - 1, above * WIDTH, WIDTH))
            yield tile


def subtree_hashes(db: apsw.Connection, level: int, start: int, count: int) -> list[bytes]:
    """The hashes of `count` complete subtrees of 256**level entries, from number `start` on, within one tile."""
    kept: bytes | None = db.execute(sql.TILE, (level, start // WIDTH)).get
    if kept is not None:
        at = start % WIDTH * HASH_BYTES
        return split(kept[at : at + count * HASH_BYTES])
    if level == 0:
        return leaf_hashes(db, start, count)
    found = _roots(db, level - 1, start, count)
    # What the writer has not come to yet; at most a few tiles, but for a log from before there were tiles.
    missing = range(start + len(found), start + count)
    return [*found, *(merkle_root(subtree_hashes(db, level - 1, number * WIDTH, WIDTH)) for number in missing)]


def leaf_hashes(db: apsw.Connection, start: int, count: int) -> list[bytes]:
    """The hashes of `count` entries from place `start` on. Raises: UnavailableError where there are fewer."""
    found = db.execute(sql.LEAF_TEXTS, (start, start + count)).get
    hashes = [entry_hash(leaf.encode()) for leaf in msgspec.json.decode(found, type=list[str])]
    if len(hashes) != count:
        raise UnavailableError(f"the log has no entries {start} to {start + count}")
    return hashes


def split(joined: bytes) -> list[bytes]:
    """Hashes that were joined."""
    return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]


def _roots(db: apsw.Connection, level: int, start: int, count: int) -> list[bytes]:
    """The roots of tiles that are in the table, from `start` on without a gap."""
    found = msgspec.json.decode(db.execute(sql.TILE_ROOTS, (level, start, start + count)).get, type=list[tuple[int, str]])
    return [bytes.fromhex(root) for place, (index, root) in enumerate(found) if index == start + place]


def _full(level: int, index: int, hashes: list[bytes]) -> FullTile:
    if len(hashes) != WIDTH:
        raise UnavailableError(f"tile {index} at level {level} is not full")
    return FullTile(level, index, b"".join(hashes), merkle_root(hashes))
