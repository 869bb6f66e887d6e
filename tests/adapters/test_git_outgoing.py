"""What a push would send, read from real repositories with nothing of them run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ringfence.adapters.files.disk import DiskFiles
from ringfence.adapters.files.git_outgoing import MOST_COMMITS
from ringfence.ports.files import Outgoing

MOST = 1 << 20


class Repository:
    """One with a remote beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.remote = folder / "ours", folder / "theirs.git"
        self.remote.mkdir(parents=True)
        self.folder.mkdir()
        self.git("init", "--quiet", "--bare", "--initial-branch", "main", at=self.remote)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("remote", "add", "origin", str(self.remote))

    def git(self, *arguments: str, at: Path | None = None, given: str = "") -> str:
        user = ("-c", "user.name=ada", "-c", "user.email=ada@host.example", "-c", "commit.gpgsign=false")
        environment = {"PATH": os.defpath, "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
        run = subprocess.run(
            ["git", *user, *arguments],
            cwd=at or self.folder,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            input=given,
        )
        return run.stdout.strip()

    def commit(self, name: str, text: str, message: str = "more") -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        self.git("add", "--force", name)
        self.git("commit", "--quiet", "--message", message)

    async def sends(
        self, *revisions: str, remote: str = "", most: int = MOST, everything: bool = False
    ) -> dict[str, str] | None:
        """What a push would send, by file or kind of object."""
        found = await DiskFiles().outgoing(str(self.folder), None if everything else revisions, remote, most)
        return None if found is None else {self._name(one): one.text for one in found}

    def _name(self, one: Outgoing) -> str:
        return os.path.relpath(one.path, self.folder) if one.path else one.what.partition(" ")[0]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.commit("old.py", "old = 1\n")
    made.git("push", "--quiet", "--set-upstream", "origin", "main")
    return made


async def test_what_the_remote_has_is_not_sent_again(repository: Repository) -> None:
    assert await repository.sends() == {}
    assert await repository.sends("main", remote="origin") == {}


async def test_files_and_messages_of_new_commits_are_sent(repository: Repository) -> None:
    repository.commit("src/new.py", "new = 1\n", "add the new one")
    sent = await repository.sends()
    assert sent is not None
    assert set(sent) == {"src/new.py", "commit"}
    assert sent["src/new.py"] == "new = 1\n"
    assert "add the new one" in sent["commit"]


async def test_what_was_taken_out_again_is_sent_all_the_same(repository: Repository) -> None:
    repository.commit("key.txt", "the key\n")
    repository.git("rm", "--quiet", "key.txt")
    repository.git("commit", "--quiet", "--message", "forget it")
    sent = await repository.sends("HEAD")
    assert sent is not None
    assert sent["key.txt"] == "the key\n"


async def test_only_what_is_named_is_looked_at(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create", "other")
    repository.commit("other.py", "other = 1\n")
    repository.git("tag", "--annotate", "--message", "a tag's words", "v1")
    repository.git("switch", "--quiet", "main")
    assert await repository.sends() == {}
    assert await repository.sends("main") == {}
    for named in ("other", "refs/heads/other", "v1"):
        sent = await repository.sends(named)
        assert sent is not None
        assert "other.py" in sent
    assert "a tag's words" in ((await repository.sends("v1")) or {})["tag"]
    assert "other.py" in ((await repository.sends(everything=True)) or {})


async def test_settings_of_the_repository_say_what_is_pushed_by_itself(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create", "other")
    repository.commit("other.py", "other = 1\n")
    repository.git("switch", "--quiet", "main")
    for name, value in (("push.default", "matching"), ("remote.origin.push", "refs/heads/*"), ("remote.origin.mirror", "true")):
        repository.git("config", name, value)
        assert "other.py" in ((await repository.sends()) or {}), name
        repository.git("config", "--unset", name)
    assert await repository.sends() == {}


async def test_another_remote_has_what_it_is_known_to_have(repository: Repository) -> None:
    for remote in ("elsewhere", "https://git.example/x.git", "../theirs.git", "*"):
        sent = await repository.sends("main", remote=remote)
        assert sent is not None
        assert "old.py" in sent, remote
    repository.git("config", "branch.main.pushRemote", "fork")
    assert "old.py" in ((await repository.sends()) or {})


@pytest.mark.parametrize(
    "revision", ["^main", "main^!", "main..main", "--not", "--all", "-n0", "nothing", "main --not", "main:old.py", ""]
)
async def test_what_is_no_plain_name_of_a_commit_is_no_answer(repository: Repository, revision: str) -> None:
    repository.commit("new.py", "new = 1\n")
    assert await repository.sends(revision) is None


async def test_more_than_is_looked_at_is_no_answer(repository: Repository) -> None:
    repository.commit("large.txt", "x" * 5000)
    assert await repository.sends(most=4000) is None
    assert await repository.sends(most=6000) is not None


async def test_more_commits_than_are_looked_at_are_no_answer(repository: Repository) -> None:
    lines = [
        f"commit refs/heads/long\ncommitter a <a@host.example> {number} +0000\ndata 1\nx\n"
        for number in range(MOST_COMMITS + 1)
    ]
    repository.git("fast-import", "--quiet", given="".join(lines))
    assert await repository.sends("long") is None
    assert await repository.sends("long~1") is not None


async def test_a_folder_without_a_repository_is_no_answer(tmp_path: Path) -> None:
    assert await DiskFiles().outgoing(str(tmp_path), (), "", MOST) is None
    assert await DiskFiles().outgoing(str(tmp_path / "none"), (), "", MOST) is None


async def test_nothing_of_the_repository_runs(repository: Repository, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n", "utf-8")
    trap.chmod(0o755)
    for name in (
        "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "diff.external", "diff.trap.command",
        "diff.trap.textconv", "filter.trap.clean", "filter.trap.smudge", "filter.trap.process", "gpg.program",
        "core.alternateRefsCommand", "pager.rev-list", "pager.cat-file", "alias.rev-list", "uploadpack.packObjectsHook",
    ):  # fmt: skip
        repository.git("config", name, f"!{trap}" if name.startswith("alias") else str(trap))
    repository.git("config", "core.hooksPath", str(tmp_path))
    repository.git("config", "log.showSignature", "true")
    (repository.folder / ".gitattributes").write_text("* diff=trap filter=trap\n", "utf-8")
    repository.git(
        "-c", "filter.trap.process=", "-c", "core.fsmonitor=", "-c", "filter.trap.clean=cat", "add", ".gitattributes"
    )
    repository.git("-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "trap")
    ran.unlink(missing_ok=True)
    sent = await repository.sends()
    assert sent is not None
    assert ".gitattributes" in sent
    assert not ran.exists()


async def test_a_commit_graph_is_not_believed(repository: Repository) -> None:
    repository.commit("new.py", "new = 1\n")
    repository.git("commit-graph", "write", "--reachable")
    graph = repository.folder / ".git/objects/info/commit-graph"
    graph.chmod(0o644)
    graph.write_bytes(b"\0" * 100)
    sent = await repository.sends()
    assert sent is not None
    assert "new.py" in sent


async def test_the_repository_of_another_user_is_read(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit("new.py", "new = 1\n")
    # git's own switch for this question. Without the setting that the adapter gives it refuses.
    monkeypatch.setattr(
        "ringfence.adapters.files.git_state._ENVIRONMENT",
        {"PATH": os.defpath, "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1", "GIT_CONFIG_GLOBAL": os.devnull},
    )
    assert "new.py" in (await repository.sends() or {})
