"""Heads in a folder outside the state: another disk, a mount that only appends, a write-once store.

`heads.jsonl` gets one line for each head and is only ever appended to; `checkpoint` is the newest, as a note that
`ringfence audit verify --checkpoint` takes.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from ringfence.core.audit.checkpoint import Checkpoint
from ringfence.errors import UnavailableError

HEADS = "heads.jsonl"
NEWEST = "checkpoint"


class FileAnchor:
    """Implements `ports.anchor.Anchor`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        return f"file {self._folder}"

    async def keep(self, note: str, checkpoint: Checkpoint) -> None:
        line = json.dumps({"origin": checkpoint.origin, "size": checkpoint.size, "note": note}, ensure_ascii=False)
        try:
            await asyncio.to_thread(self._write, line + "\n", note)
        except OSError as error:
            raise UnavailableError(f"{self.name}: {error.strerror}") from error

    async def close(self) -> None: ...

    def _write(self, line: str, note: str) -> None:
        # The folder has to be there: one that is made here would hide that the disk is not mounted.
        with (self._folder / HEADS).open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                # A line that a full disk cut off is left as it is, and takes no other with it.
                line = line if file.read(1) == b"\n" else f"\n{line}"
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        draft = self._folder / f".{NEWEST}.part"
        with draft.open("w", encoding="utf-8") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / NEWEST)
