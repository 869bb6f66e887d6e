"""Positions that survive a restart."""

import asyncio
from pathlib import Path

import pytest

from ringfence.adapters.system.bookmarks import FolderBookmarks
from ringfence.errors import UnavailableError


async def test_a_number_is_kept_by_name_over_restarts(tmp_path: Path) -> None:
    first = FolderBookmarks(tmp_path / "forwarding")
    assert await first.read("syslog tcp://a:1") == 0
    await first.write("syslog tcp://a:1", 41)
    await first.write("syslog tcp://a:1", 42)
    await first.write("http b/", 7)
    again = FolderBookmarks(tmp_path / "forwarding")
    assert (await again.read("syslog tcp://a:1"), await again.read("http b/"), await again.read("c")) == (42, 7, 0)


def test_what_cannot_be_read_is_never_taken_for_the_beginning(tmp_path: Path) -> None:
    marks = FolderBookmarks(tmp_path)
    asyncio.run(marks.write("a", 1))
    (file,) = tmp_path.iterdir()
    file.write_text("x", "ascii")
    with pytest.raises(UnavailableError):
        asyncio.run(marks.read("a"))


async def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "ascii")
    with pytest.raises(UnavailableError):
        await FolderBookmarks(tmp_path / "file" / "below").write("a", 1)
