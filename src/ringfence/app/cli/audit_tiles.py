"""The log as a folder of C2SP tiles, which grows with every export and holds a few hashes in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ringfence.app.cli.audit_files import CHECKPOINT
from ringfence.core.audit.checkpoint import Checkpoint
from ringfence.core.audit.stem import stem_of
from ringfence.core.audit.tiles import WIDTH, Tile, bundle
from ringfence.core.audit.tree import HASH_BYTES, append, leaf_hash, merkle_root, root_hash
from ringfence.errors import IntegrityError


class TileFolder:
    """Full tiles never change, so an export goes on after the last of them. Every method raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending: list[list[bytes]] = [[]]
        """Hashes of each level that fill no tile yet."""
        self._made: list[int] = [0]
        """Full tiles of each level."""
        self._edge: tuple[bytes, ...] = ()
        self._size = 0

    def begin(self) -> int:
        """How many entries are here in full tiles already."""
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            tile = Tile(0, self._made[0], WIDTH)
            if not (self._folder / tile.entries_path).is_file() or not (self._folder / tile.path).is_file():
                return self._size
            data = (self._folder / tile.path).read_bytes()
            for at in range(0, len(data), HASH_BYTES):
                self._add(data[at : at + HASH_BYTES])

    def write(self, leaves: Iterable[bytes], checkpoint: Checkpoint) -> None:
        """Write entries up to the checkpoint, with every tile of its tree.

        Raises: IntegrityError where that does not give the root that was signed: the folder holds another log.
        """
        entries: list[bytes] = []
        for leaf in leaves:
            if self._size == checkpoint.size:
                break
            stem = stem_of(leaf)
            entries.append(stem)
            if len(entries) == WIDTH:
                # The bundle before its hashes: a tile whose entries are missing would be skipped the next time.
                self._put(Tile(0, self._made[0], WIDTH).entries_path, bundle(entries))
                entries = []
            self._add(leaf_hash(stem))
        if (self._size, root_hash(self._edge)) != (checkpoint.size, checkpoint.root):
            raise IntegrityError(
                "what is written does not give the signed root", remedy="export to a new folder, and verify the log"
            )
        for level, hashes in enumerate(self._pending):
            if hashes:
                self._put(Tile(level, self._made[level], len(hashes)).path, b"".join(hashes))
        if entries:
            self._put(Tile(0, self._made[0], len(entries)).entries_path, bundle(entries))

    def seal(self, note: str) -> None:
        """Write the signed head, which makes the rest complete."""
        self._put(CHECKPOINT, note.encode())

    def _add(self, entry: bytes) -> None:
        self._edge = append(self._size, self._edge, entry)
        self._size += 1
        level, value = 0, entry
        while True:
            self._pending[level].append(value)
            if len(self._pending[level]) < WIDTH:
                return
            hashes = self._pending[level]
            path = Tile(level, self._made[level], WIDTH).path
            if not (self._folder / path).is_file():
                self._put(path, b"".join(hashes))
            self._pending[level] = []
            self._made[level] += 1
            level, value = level + 1, merkle_root(hashes)
            if level == len(self._pending):
                self._pending.append([])
                self._made.append(0)

    def _put(self, path: str, data: bytes) -> None:
        """A file, whole or not at all."""
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.part")
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
