"""Repositories for the tests of the gate: an operator's, a clone that an agent has written to, and bundles of it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from ringfence.adapters.workspaces.quarantine import GitWorkspaces
from ringfence.core.export.judging import Bounds
from ringfence.core.export.protected import Protected
from ringfence.ports.workspaces import Bundle, Examined

ENVIRONMENT = {
    "PATH": os.defpath, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent",
    "GIT_AUTHOR_NAME": "agent", "GIT_AUTHOR_EMAIL": "agent@box",
    "GIT_COMMITTER_NAME": "agent", "GIT_COMMITTER_EMAIL": "agent@box",
}  # fmt: skip
PLAIN = "100644"


def git(folder: Path, *arguments: str, given: bytes = b"") -> str:
    """What git of an attacker or of an operator says. Its repository is one of the test's own."""
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *arguments],
        cwd=folder, env=ENVIRONMENT, input=given, capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout.decode().strip()


@dataclass
class Clone:
    """An operator's repository with one commit on `main`, and a clone of it."""

    folder: Path
    repository: Path = field(init=False)
    work: Path = field(init=False)
    base: str = field(init=False)

    def __post_init__(self) -> None:
        self.repository, self.work = self.folder / "repository", self.folder / "work"
        self.repository.mkdir()
        git(self.repository, "init", "--quiet", "--initial-branch=main")
        (self.repository / "README.md").write_text("an operator's\n")
        (self.repository / "CLAUDE.md").write_text("be careful\n")
        git(self.repository, "add", ".")
        git(self.repository, "commit", "--quiet", "-m", "begin")
        git(self.repository, "tag", "v1")
        git(self.repository, "branch", "stable")
        git(self.folder, "clone", "--quiet", "--no-local", str(self.repository), "work")
        self.base = git(self.work, "rev-parse", "HEAD")

    def write(self, path: str, content: str | bytes = "changed\n") -> None:
        target = self.work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, *paths: str, message: str = "work") -> str:
        git(self.work, "add", "--force", "--all", *paths)
        git(self.work, "commit", "--quiet", "--allow-empty", "-m", message)
        return git(self.work, "rev-parse", "HEAD")

    def plant(self, path: str, mode: str = PLAIN, content: bytes = b"planted\n") -> str:
        """Commit a tree that no index would take: its names are written as they are."""
        blob = self.base if mode == "160000" else git(self.work, "hash-object", "-w", "--stdin", given=content)
        made, first = blob, True
        for part in reversed(path.split("/")):
            entry = f"{mode if first else '040000'}".lstrip("0").encode() + b" " + part.encode() + b"\0" + bytes.fromhex(made)
            before = b"" if part is not path.split("/")[0] else self._tree("HEAD^{tree}")
            made = self._object("tree", self._sorted(before, entry))
            first = False
        commit = git(self.work, "commit-tree", made, "-p", "HEAD", "-m", "planted")
        git(self.work, "update-ref", "HEAD", commit)
        return commit

    def bundle(self, *revisions: str) -> Path:
        """As the fresh box makes one."""
        file = self.folder / "bundle"
        git(self.work, "bundle", "create", str(file), *(revisions or ("HEAD", f"^{self.base}")))
        return file

    def refs(self) -> dict[str, str]:
        """Of the operator's repository."""
        lines = git(self.repository, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)

    async def examined(self, file: Path | None = None, *protect: str, bounds: Bounds | None = None) -> Examined:
        bundle = Bundle(file=str(file or self.bundle()), repository=str(self.repository), base=self.base)
        async with GitWorkspaces().quarantined(bundle, Protected(protect), bounds or Bounds()) as held:
            return held.examined

    async def landed(self, branch: str = "agent/run-1") -> Examined:
        bundle = Bundle(file=str(self.bundle()), repository=str(self.repository), base=self.base)
        async with GitWorkspaces().quarantined(bundle, Protected(), Bounds()) as held:
            await held.land(branch)
            return held.examined

    def _tree(self, name: str) -> bytes:
        done = subprocess.run(
            ["git", "cat-file", "tree", name], cwd=self.work, env=ENVIRONMENT, capture_output=True, check=True
        )
        return done.stdout

    def _object(self, kind: str, content: bytes) -> str:
        return git(self.work, "hash-object", "-w", "-t", kind, "--literally", "--stdin", given=content)

    @staticmethod
    def _sorted(before: bytes, entry: bytes) -> bytes:
        entries, rest = [entry], before
        while rest:
            head, _, tail = rest.partition(b"\0")
            entries.append(head + b"\0" + tail[:20])
            rest = tail[20:]

        def key(one: bytes) -> bytes:
            mode, _, name = one.partition(b"\0")[0].partition(b" ")
            return name + (b"/" if mode == b"40000" else b"")

        return b"".join(sorted(entries, key=key))
