"""Reading what `audit export` and `audit prove` have written, without holding a log in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ringfence.core.audit.tiles import entries_of, tiles_of
from ringfence.errors import RequestError

LAST = b'{"checkpoint":'
CHECKPOINT = "checkpoint"
_LONGEST_LINE = 1 << 20
_LARGEST_NOTE = 1 << 20


@dataclass(slots=True)
class Split:
    """The leaves of an export; after the last of them, what its last line said."""

    lines: Iterable[bytes]
    last: dict[str, Any] = field(default_factory=dict[str, Any])

    def leaves(self) -> Iterator[bytes]:
        for line in self.lines:
            if line.startswith(LAST):
                self.last = json.loads(line)
                return
            yield line


def lines_of(file: Path) -> Iterator[bytes]:
    """Every line of an export in JSON lines. Raises: OSError."""
    with file.open("rb") as opened:
        while line := opened.readline(_LONGEST_LINE):
            yield line.rstrip(b"\n")


def last_line(file: Path) -> dict[str, Any]:
    """The signed head of an export, with its name and key. Raises: OSError; RequestError where the file ends otherwise."""
    last = b""
    for line in lines_of(file):
        last = line
    return read_last(last)


def read_last(last: bytes) -> dict[str, Any]:
    """The last line of an export. Raises: RequestError."""
    try:
        value: Any = json.loads(last) if last.startswith(LAST) else None
    except ValueError as error:
        raise RequestError(f"the last line is cut off: {error}") from error
    if not isinstance(value, dict):
        raise RequestError("the last line holds no signed head: this is no whole export")
    return value


def tile_leaves(folder: Path, size: int) -> Iterator[bytes]:
    """The entries of an export as tiles. Raises: OSError, RequestError."""
    for tile in tiles_of(size):
        if tile.level > 0:
            return
        path = folder / tile.entries_path
        entries = list(entries_of(path.read_bytes()))
        if len(entries) != tile.width:
            raise RequestError(f"{path} has {len(entries)} entries, not {tile.width}")
        yield from entries


def read_note(file: Path) -> str:
    """A small text file as it is. Raises: OSError, RequestError."""
    with file.open("rb") as opened:
        data = opened.read(_LARGEST_NOTE + 1)
    if len(data) > _LARGEST_NOTE:
        raise RequestError(f"{file} is too large to be what it should be")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(f"{file} is not text") from error
