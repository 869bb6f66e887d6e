"""Bundles that wait in the state directory: for ourselves, unchanged, few, and not for long."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ringfence.app.boxes.shelf import MOST, OLDEST_S, Shelf
from ringfence.errors import UnavailableError


def put(shelf: Shelf, run: str, bundle: bytes = b"bundle") -> None:
    shelf.put(run, bundle, "/srv/repo", "b" * 40, ("deploy/",))


def test_what_is_put_is_found_again_by_its_owner_only(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "quarantine")
    put(shelf, "r_1")
    waiting = shelf.get("r_1")
    assert (waiting.repository, waiting.base, waiting.protect) == ("/srv/repo", "b" * 40, ("deploy/",))
    assert shelf.folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in shelf.folder.iterdir())
    shelf.drop("r_1")
    assert list(shelf.folder.iterdir()) == []


def test_what_was_changed_in_between_is_not_handed_out(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "quarantine")
    put(shelf, "r_1")
    shelf.file("r_1").write_bytes(b"another")
    with pytest.raises(UnavailableError, match="not what was kept"):
        shelf.get("r_1")


@pytest.mark.parametrize("run", ["r_2", "../r_1", "", "r_1/../r_1", "r\x001"])
def test_what_is_not_there_is_not_found(tmp_path: Path, run: str) -> None:
    shelf = Shelf(tmp_path / "quarantine")
    put(shelf, "r_1")
    with pytest.raises(UnavailableError):
        shelf.get(run)


def test_the_oldest_of_too_many_and_what_is_too_old_goes(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "quarantine")
    begun = time.time()
    for number in range(MOST + 3):
        put(shelf, f"r_{number}")
        os.utime(shelf.file(f"r_{number}"), (begun + number, begun + number))
    kept = {path.stem for path in shelf.folder.glob("*.bundle")}
    assert len(kept) == MOST
    assert f"r_{MOST + 2}" in kept
    old = shelf.file(f"r_{MOST + 2}").stat().st_mtime - OLDEST_S - 1_000
    os.utime(shelf.file(f"r_{MOST + 2}"), (old, old))
    shelf.sweep()
    assert f"r_{MOST + 2}" not in {path.stem for path in shelf.folder.iterdir()}


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "quarantine")
    put(shelf, "r_1")
    shelf.file("r_2").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnavailableError):
        put(shelf, "r_2")
    assert not (tmp_path / "elsewhere").exists()
