"""The real file system: what is opened, what git says, what is too much."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from ringfence.adapters.files.disk import DiskFiles
from ringfence.adapters.files.git_state import git as ask_git
from ringfence.core.model.local import Tracked

_GIT = (
    "git",
    "-c",
    "user.name=a",
    "-c",
    "user.email=a@b.example",
    "-c",
    "commit.gpgsign=false",
    "-c",
    "init.defaultBranch=main",
)


def git(folder: Path, *words: str) -> None:
    subprocess.run([*_GIT, *words], cwd=folder, check=True, capture_output=True, timeout=30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path.resolve()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "project"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "clean.txt").write_text("as it was\n")
    (folder / "changed.txt").write_text("before\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    (folder / "changed.txt").write_text("after\n")
    (folder / "new.txt").write_text("new\n")
    return folder


async def test_a_pipe_that_nobody_writes_to_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    files = DiskFiles()
    assert await files.text(str(tmp_path / "pipe"), 100) is None
    (found,) = await files.look([str(tmp_path / "pipe")])
    assert found.is_there
    assert found.size == 0


async def test_a_device_has_no_text() -> None:
    assert await DiskFiles().text("/dev/zero", 100) is None


async def test_bytes_that_are_no_text_have_none(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(b"\xff\xfe")
    assert await DiskFiles().text(str(tmp_path / "raw"), 100) is None


async def test_a_circle_of_links_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    (found,) = await DiskFiles().look([str(tmp_path / "one")])
    assert not found.is_there


async def test_a_name_with_a_nul_is_not_there() -> None:
    (found,) = await DiskFiles().look(["/tmp/a\0b"])
    assert not found.is_there


async def test_names_are_compared_without_case_where_the_machine_does(folder: Path) -> None:
    (folder / "README.md").write_text("x")
    assert await DiskFiles(ignores_case=True).fitting(f"{folder}/read*", 10) == [f"{folder}/README.md"]
    assert await DiskFiles().fitting(f"{folder}/read*", 10) == []


async def test_a_bracket_that_nothing_closes_is_itself(folder: Path) -> None:
    (folder / "a[b").write_text("x")
    assert await DiskFiles().fitting(f"{folder}/a[b", 10) == [f"{folder}/a[b"]


@pytest.mark.parametrize(
    ("name", "state"),
    [("in/clean.txt", Tracked.CLEAN), ("changed.txt", Tracked.CHANGED), ("new.txt", Tracked.UNTRACKED)],
)
async def test_git_says_how_a_file_stands_to_its_commit(project: Path, name: str, state: Tracked) -> None:
    assert await DiskFiles().tracked(str(project / name)) is state


async def test_a_file_that_was_added_and_not_committed_is_known_to_git(project: Path) -> None:
    git(project, "add", "new.txt")
    assert await DiskFiles().tracked(str(project / "new.txt")) is Tracked.CHANGED


async def test_git_ends_with_whoever_asked(project: Path) -> None:
    pipe = project / "pipe"
    os.mkfifo(pipe)
    asking = asyncio.ensure_future(ask_git(str(project), "hash-object", "--no-filters", "pipe"))
    opening = asyncio.ensure_future(asyncio.to_thread(os.open, pipe, os.O_WRONLY))  # done as soon as git reads from it
    done, _ = await asyncio.wait({asking, opening}, return_when=asyncio.FIRST_COMPLETED)
    if opening not in done:
        os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))  # lest the thread waits for ever
    end = await opening
    try:
        assert not asking.done()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        with pytest.raises(BrokenPipeError):
            os.write(end, b"x")
    finally:
        os.close(end)


async def test_outside_of_a_repository_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("x")
    assert await DiskFiles().tracked(str(tmp_path / "one")) is Tracked.UNKNOWN


async def test_a_link_in_the_place_of_a_file_is_a_change(project: Path) -> None:
    (project / "other.txt").write_text("as it was\n")
    (project / "in" / "clean.txt").unlink()
    (project / "in" / "clean.txt").symlink_to(project / "other.txt")
    assert await DiskFiles().tracked(str(project / "in" / "clean.txt")) is Tracked.CHANGED


async def test_nothing_that_the_repository_names_is_run(project: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    script = tmp_path / "run.sh"
    script.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    script.chmod(0o755)
    for name in (
        "core.fsmonitor",
        "filter.x.clean",
        "filter.x.smudge",
        "core.alternateRefsCommand",
        "diff.external",
        "core.pager",
    ):
        git(project, "config", name, str(script))
    (project / ".gitattributes").write_text("* filter=x\n")
    assert await DiskFiles().tracked(str(project / "in" / "clean.txt")) is Tracked.CLEAN
    assert not mark.exists()


async def test_what_is_not_committed_as_it_is_is_named(project: Path) -> None:
    (project / ".gitignore").write_text("ignored.txt\n")
    (project / "ignored.txt").write_text("x")
    (project / "taken.txt").write_text("x")
    git(project, "add", "taken.txt")
    named = await DiskFiles().uncommitted(str(project / "in"), 10)
    assert named is not None
    assert [path.removeprefix(f"{project}/") for path in named] == [".gitignore", "changed.txt", "new.txt", "taken.txt"]
    assert await DiskFiles().uncommitted(str(project), 3) is None


async def test_outside_of_a_repository_nothing_is_uncommitted(tmp_path: Path) -> None:
    assert await DiskFiles().uncommitted(str(tmp_path), 10) is None


async def test_a_file_that_is_no_text_has_a_digest(tmp_path: Path) -> None:
    plan = tmp_path / "tfplan"
    plan.write_bytes(b"PK\xff\x00one")
    before = await DiskFiles().digest(str(plan), 100)
    assert before is not None
    plan.write_bytes(b"PK\xff\x00two")
    assert await DiskFiles().digest(str(plan), 100) not in (None, before)
