"""What a start keeps for the next one, and when the next one does not believe it."""

import os
from pathlib import Path

import pytest

from ringfence.adapters.system.kept_file import read_kept, write_kept
from ringfence.app.wiring.automata import FOLDER, adopt_automata, keep_automata


def kept(state: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (state / FOLDER).iterdir()}


def test_what_is_kept_is_for_nobody_else_and_adopted_by_the_next_start(tmp_path: Path) -> None:
    keep_automata(tmp_path)
    assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / FOLDER).iterdir()} == {0o600}
    before = kept(tmp_path)
    assert len(before) == 2
    adopt_automata(tmp_path)
    keep_automata(tmp_path)
    assert kept(tmp_path) == before


def test_what_is_damaged_or_of_other_rules_is_replaced(tmp_path: Path) -> None:
    keep_automata(tmp_path)
    before = kept(tmp_path)
    first, second = sorted((tmp_path / FOLDER).iterdir())
    first.write_bytes(first.read_bytes()[:-1])
    second.rename(second.with_name("0" * 32))
    adopt_automata(tmp_path)
    keep_automata(tmp_path)
    assert kept(tmp_path) == before


def test_a_folder_that_cannot_be_written_stops_no_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FOLDER).write_text("not a folder")
    with caplog.at_level("INFO"):
        adopt_automata(tmp_path)
        keep_automata(tmp_path)
    assert "automata are not kept" in caplog.text


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_others_could_have_written_is_not_read(tmp_path: Path, mode: int) -> None:
    write_kept(tmp_path / "file", b"mine")
    assert read_kept(tmp_path / "file") == b"mine"
    (tmp_path / "file").chmod(mode)
    assert read_kept(tmp_path / "file") is None


def test_a_link_is_not_followed_either_way(tmp_path: Path) -> None:
    write_kept(tmp_path / "elsewhere", b"mine")
    (tmp_path / "link").symlink_to("elsewhere")
    assert read_kept(tmp_path / "link") is None
    write_kept(tmp_path / "link", b"new")
    assert (read_kept(tmp_path / "link"), read_kept(tmp_path / "elsewhere")) == (b"new", b"mine")


def test_a_pipe_is_nothing_that_was_kept(tmp_path: Path) -> None:
    """And opening it waits for nobody."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert read_kept(tmp_path / "pipe") is None
    assert read_kept(tmp_path / "nothing") is None
