"""Bookmarks in a folder: one small file each, replaced whole and durably."""

from __future__ import annotations

import asyncio
import os
from hashlib import sha256
from pathlib import Path

from ringfence.errors import UnavailableError


class FolderBookmarks:
    """Implements `ports.bookmarks.Bookmarks`. The folder is made when there is something to keep."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def read(self, name: str) -> int:
        return await asyncio.to_thread(self._read, self._path(name))

    async def write(self, name: str, number: int) -> None:
        await asyncio.to_thread(self._write, self._path(name), number)

    def _read(self, path: Path) -> int:
        try:
            return int(path.read_text("ascii"))
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as error:
            raise UnavailableError(
                f"{path} cannot be read: {error}", remedy="remove it to begin from the first entry"
            ) from error

    def _write(self, path: Path, number: int) -> None:
        draft = path.with_suffix(".part")
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with draft.open("w", encoding="ascii") as file:
                file.write(f"{number}\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise UnavailableError(f"{path} cannot be written: {error.strerror}") from error

    def _path(self, name: str) -> Path:
        return self._folder / f"{sha256(name.encode()).hexdigest()[:32]}.seq"
