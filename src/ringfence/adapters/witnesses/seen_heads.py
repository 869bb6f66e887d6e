"""Heads in a folder, one small file a log, named after the digest of its origin. Each is replaced whole and durably."""

from __future__ import annotations

import asyncio
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from ringfence.core.audit.checkpoint import Checkpoint
from ringfence.core.audit.note import decode_base64, encode_base64
from ringfence.core.audit.witnessing import Seen
from ringfence.errors import RequestError, UnavailableError


class FolderHeads:
    """Implements `ports.seen_heads.SeenHeads` for one process, which holds the folder's lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._one_at_a_time = asyncio.Lock()

    async def seen(self, origin: str) -> Seen:
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._read, origin)

    async def swap(self, origin: str, expected: Seen, fresh: Seen) -> bool:
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._swap, origin, expected, fresh)

    def _swap(self, origin: str, expected: Seen, fresh: Seen) -> bool:
        if self._read(origin) != expected:
            return False
        value = {"origin": origin, "size": fresh.size, "root": encode_base64(fresh.root)}
        target = self._path(origin)
        draft = target.with_suffix(".part")
        try:
            with draft.open("w", encoding="utf-8") as file:
                json.dump(value, file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
            directory = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise UnavailableError(f"the head of `{origin}` cannot be kept: {error.strerror}") from error
        return True

    def _read(self, origin: str) -> Seen:
        path = self._path(origin)
        try:
            value: Any = json.loads(path.read_bytes())
            if value["origin"] != origin:
                raise ValueError("the head of another log")
            head = Checkpoint(origin, value["size"], decode_base64(value["root"]))
            return Seen(head.size, head.root)
        except FileNotFoundError:
            return Seen()
        except (OSError, ValueError, KeyError, TypeError, RequestError) as error:
            # Never the empty head instead: that would let a log begin anew.
            raise UnavailableError(f"{path} cannot be read: {error}") from error

    def _path(self, origin: str) -> Path:
        return self._folder / f"{sha256(origin.encode()).hexdigest()}.json"
