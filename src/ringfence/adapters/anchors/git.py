"""Heads as commits on a branch, pushed to a remote where one is named: whoever has pulled has them.

The `git` program does the work, in a clone of its own, with a deadline. No hook and no prompt takes part.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ringfence.core.audit.checkpoint import Checkpoint
from ringfence.errors import UnavailableError

DEADLINE_S = 30.0
NEWEST = "checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitOptions:
    """A repository that exists, and the branch that gets the heads. `remote` empty: nothing is pushed."""

    repository: Path
    branch: str
    remote: str = ""


class GitAnchor:
    """Implements `ports.anchor.Anchor`. The index and work tree of the repository are left alone."""

    def __init__(self, options: GitOptions, environment: Mapping[str, str]) -> None:
        self._options = options
        self._environment = {
            **{name: environment[name] for name in ("PATH", "HOME", "SSH_AUTH_SOCK") if name in environment},
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "ringfence",
            "GIT_AUTHOR_EMAIL": "ringfence@localhost",
            "GIT_COMMITTER_NAME": "ringfence",
            "GIT_COMMITTER_EMAIL": "ringfence@localhost",
            "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
            "LC_ALL": "C",
        }

    @property
    def name(self) -> str:
        return f"git {self._options.repository} {self._options.branch}"

    async def keep(self, note: str, checkpoint: Checkpoint) -> None:
        reference = f"refs/heads/{self._options.branch}"
        try:
            async with asyncio.timeout(DEADLINE_S):
                parent = await self._git("rev-parse", "--verify", "--quiet", reference, may_fail=True)
                blob = await self._git("hash-object", "-w", "--stdin", given=note.encode())
                tree = await self._git("mktree", given=f"100644 blob {blob}\t{NEWEST}\n".encode())
                if not parent or await self._git("rev-parse", f"{parent}^{{tree}}") != tree:
                    message = f"{checkpoint.origin} at {checkpoint.size} entries"
                    before = ("-p", parent) if parent else ()
                    commit = await self._git("commit-tree", tree, "-m", message, "--no-gpg-sign", *before)
                    await self._git("update-ref", reference, commit, parent or "0" * 40)
                if self._options.remote:
                    # Without force: a remote that has something else says so.
                    await self._git("push", "--quiet", "--no-verify", "--", self._options.remote, f"{reference}:{reference}")
        except TimeoutError as error:
            raise UnavailableError(f"{self.name}: git took longer than {DEADLINE_S:.0f} s") from error

    async def close(self) -> None: ...

    async def _git(self, *arguments: str, given: bytes = b"", may_fail: bool = False) -> str:
        command = ("git", "-c", "core.hooksPath=/dev/null", "-C", str(self._options.repository), *arguments)
        # What git reads comes from a file: nothing is left to be written when it ends early.
        with tempfile.TemporaryFile() as source:
            source.write(given)
            source.seek(0)
            try:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=source,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    env=self._environment,
                    start_new_session=True,
                )
            except OSError as error:
                raise UnavailableError(f"{self.name}: git cannot be started: {error.strerror}") from error
        try:
            out, err = await process.communicate()
        finally:
            _end(process)
        if process.returncode != 0 and not may_fail:
            raise UnavailableError(f"{self.name}: git {arguments[0]} failed: {_said(err)}")
        return out.decode("ascii", "replace").strip()


def _said(err: bytes) -> str:
    """Git's last line, where it quotes no address: that may hold a credential."""
    last = err.decode("utf-8", "replace").strip().splitlines()[-1:]
    if not last or "://" in last[0]:
        return "see what it says when run by hand"
    return "".join(character for character in last[0] if character.isprintable())[:120]


def _end(process: asyncio.subprocess.Process) -> None:
    """The whole group: a push starts helpers."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            return
