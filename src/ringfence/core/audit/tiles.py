"""The log as static files: C2SP tlog-tiles.

    checkpoint                      the signed head
    tile/L/N[.p/W]                  hashes: at level 0 of entries, above of full tiles one level down; 256, or W of them
    tile/entries/N[.p/W]            the entries of a level 0 tile, each after its length in two bytes

An index has three digits an element, all but the last with an `x`: 1234067 is `x001/x234/067`. Pure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ringfence.errors import RequestError

HEIGHT = 8
WIDTH = 1 << HEIGHT
_LONGEST_ENTRY = (1 << 16) - 1


@dataclass(frozen=True, slots=True)
class Tile:
    """A stretch of hashes: `width` of them, 256 where the tile is full."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        return f"tile/{self.level}/{_place(self.index, self.width)}"

    @property
    def entries_path(self) -> str:
        """The bundle of the entries of a tile at level 0."""
        return f"tile/entries/{_place(self.index, self.width)}"


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree of `size` entries, the lowest level first."""
    level, width = 0, size
    while width > 0:
        for index in range(-(-width // WIDTH)):
            yield Tile(level, index, min(WIDTH, width - index * WIDTH))
        level, width = level + 1, width // WIDTH


def bundle(entries: Iterable[bytes]) -> bytes:
    """The entries of one tile as one file. Raises: RequestError for an entry of 64 KiB or more."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > _LONGEST_ENTRY:
            raise RequestError(f"an entry of {len(entry)} bytes")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def entries_of(data: bytes) -> Iterator[bytes]:
    """The entries of a bundle. Raises: RequestError where it is cut off."""
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise RequestError("an entry bundle that is cut off")
        yield data[start:at]


def _place(index: int, width: int) -> str:
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.append(f"x{index % 1000:03d}")
    return "/".join(reversed(parts)) + ("" if width == WIDTH else f".p/{width}")
