"""A repository of its own for each bundle: git looks at what came out of a box here, and nowhere else.

It is a bare clone of the operator's repository, so that history can be compared; it has objects of its own, no hooks, no
configuration of anybody's, and is removed in the end. `git fetch` puts objects that it has refused into the repository that it
works in (git-fetch(1)): that is why this is another one than the operator's.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from ringfence.adapters.workspaces.git import MOST_OUTPUT, Git, Said, as_owner, failed, lines_of
from ringfence.core.export.judging import MIB, Bounds, History, Judged, Verdict, judge, refused
from ringfence.core.export.protected import Protected
from ringfence.core.export.raw import GONE, Change, UnreadableDiffError, changes_in
from ringfence.errors import UnavailableError
from ringfence.ports.workspaces import Bundle, Examined, Quarantined

ARRIVED: Final = "refs/agent/x"
CLONE_WITHIN_S: Final = 600.0
MOST_DIFF: Final = 6_000
"""Characters of it that are kept for a person."""
PREFIX: Final = "ringfence-quarantine-"


class GitWorkspaces:
    """Implements `ringfence.ports.workspaces.Workspaces`."""

    async def base_of(self, repository: str) -> str:
        """Raises UnavailableError where there is no commit."""
        try:
            git = as_owner(Path(repository))
        except OSError as error:
            raise UnavailableError(f"{repository} cannot be read: {error.strerror}") from error
        said = await git.run("-C", repository, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if said.code != 0:
            raise UnavailableError(
                f"{repository} has no commit that a clone could begin at", remedy="make a first commit, or work without --repo"
            )
        return said.out.decode("ascii", "replace").strip()

    @asynccontextmanager
    async def quarantined(self, bundle: Bundle, protected: Protected, bounds: Bounds) -> AsyncGenerator[Quarantined]:
        """Raises UnavailableError."""
        sweep()
        with ExitStack() as held:
            try:
                git = as_owner(Path(bundle.repository))
                folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
                held.callback(shutil.rmtree, folder, ignore_errors=True)
                if git.user is not None and git.group is not None:
                    os.chown(folder, git.user, git.group)
                quarantine = await GitQuarantine(git, folder, bundle, bounds).filled(protected)
            except OSError as error:
                raise UnavailableError(f"a quarantine cannot be made: {error.strerror}") from error
            yield quarantine


def sweep() -> None:
    """Remove the quarantines of dead processes that are ours to remove."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)


class GitQuarantine:
    """Implements `ringfence.ports.workspaces.Quarantined`."""

    def __init__(self, git: Git, folder: Path, bundle: Bundle, bounds: Bounds) -> None:
        self._git = git
        self._folder = folder
        self._place = folder / "repository"
        self._bundle = bundle
        self._bounds = bounds
        self._examined = Examined(judged=refused("it was not looked at"))

    @property
    def examined(self) -> Examined:
        return self._examined

    async def filled(self, protected: Protected) -> GitQuarantine:
        """Fetch the bundle and look at it."""
        self._examined = await self._looked_at(protected)
        return self

    async def land(self, branch: str) -> None:
        """Raises UnavailableError."""
        if self._examined.judged.verdict is Verdict.REFUSED:
            raise UnavailableError(f"what was refused does not land: {'; '.join(self._examined.judged.faults)}")
        there = ("-C", self._bundle.repository)
        said = await self._git.run(*there, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}")
        if said.code == 0:
            raise UnavailableError(f"the repository has a branch {branch} already")
        said = await self._git.run(
            *there, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance",
            "--no-recurse-submodules", "--no-prune", "--refmap=", str(self._place),
            f"{self._examined.head}:refs/heads/{branch}",
            transports=True, within_s=CLONE_WITHIN_S,
        )  # fmt: skip
        if said.code != 0:
            raise failed("the repository does not take the branch", said)

    async def _looked_at(self, protected: Protected) -> Examined:
        size = os.stat(self._bundle.file).st_size
        if size > self._bounds.bundle:
            return Examined(judged=refused(f"a bundle of {size} bytes, more than {self._bounds.bundle}"))
        await self._clone()
        given = self._given()
        said = await self._within(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(given), f"HEAD:{ARRIVED}", transports=True
        )
        if said.code != 0:
            return Examined(judged=refused(f"git does not take the bundle: {failed('', said)}"))
        head = (await self._lines("rev-parse", "--verify", f"{ARRIVED}^{{commit}}"))[0]
        follows = await self._within("merge-base", "--is-ancestor", self._bundle.base, head)
        if follows.code != 0:
            return Examined(judged=judge(self._history(head), protected, self._bounds), head=head)
        return await self._compared(head, protected)

    async def _compared(self, head: str, protected: Protected) -> Examined:
        most = self._bounds.commits + 1
        listed = await self._lines("rev-list", "--parents", f"--max-count={most}", f"{self._bundle.base}..{head}")
        parents = {line.split(" ")[0]: tuple(line.split(" ")[1:]) for line in listed}
        if len(parents) > self._bounds.commits:
            faults = f"more than {self._bounds.commits} commits"
            return Examined(judged=refused(faults, commits=len(parents)), head=head)
        try:
            said = await self._within(
                "diff-tree", "--stdin", "-r", "-z", "--raw", "-m", "--root", "--no-renames", "--no-abbrev",
                "--no-ext-diff", "--no-textconv", "--no-color", given="".join(f"{commit}\n" for commit in parents).encode(),
            )  # fmt: skip
            if said.code != 0:
                return Examined(judged=refused("git cannot compare its commits"), head=head)
            changes = changes_in(said.out)
        except UnreadableDiffError as error:
            return Examined(judged=refused(str(error)), head=head)
        except UnavailableError as error:
            return Examined(judged=refused(f"its commits cannot be compared within bounds: {error}"), head=head)
        history = self._history(head, follows=True, parents=parents, changes=changes, sizes=await self._sizes(changes))
        judged = judge(history, protected, self._bounds)
        return Examined(judged=judged, head=head, diff=await self._diff(head, judged))

    def _history(
        self,
        head: str,
        *,
        follows: bool = False,
        parents: dict[str, tuple[str, ...]] | None = None,
        changes: tuple[Change, ...] = (),
        sizes: dict[str, int] | None = None,
    ) -> History:
        return History(
            base=self._bundle.base, head=head, parents=parents or {}, follows_base=follows, changes=changes, sizes=sizes or {}
        )

    async def _sizes(self, changes: tuple[Change, ...]) -> dict[str, int]:
        blobs = dict.fromkeys(change.blob for change in changes if change.mode != GONE)
        asked = "".join(f"{blob}\n" for blob in blobs).encode()
        found: dict[str, int] = {}
        for line in lines_of(await self._within("cat-file", "--batch-check", given=asked)):
            name, _, rest = line.partition(" ")
            kind, _, size = rest.partition(" ")
            if kind == "blob" and size.isdecimal():
                found[name] = int(size)
        return found

    async def _diff(self, head: str, judged: Judged) -> str:
        """What a person sees of the protected paths. Also of those that a later commit takes back: each commit's own."""
        if judged.verdict is not Verdict.NEEDS_PERSON:
            return ""
        try:
            said = await self._within(
                "log", "--patch", "--text", "--format=commit %H", "--reverse", "-m", "--root", "--no-renames",
                "--no-ext-diff", "--no-textconv", "--no-color", "--no-show-signature", f"{self._bundle.base}..{head}", "--",
                *(f":(top,literal){path}" for path in judged.protected),
                most=4 * MIB,
            )  # fmt: skip
        except UnavailableError as error:
            return f"(not shown: {error})"
        text = said.out.decode("utf-8", "replace")
        return text if len(text) <= MOST_DIFF else f"{text[:MOST_DIFF]}\n({len(text) - MOST_DIFF} more characters)"

    async def _clone(self) -> None:
        said = await self._git.run(
            "clone", "--quiet", "--bare", "--no-local", "--no-hardlinks", "--no-tags", "--template=",
            f"file://{self._bundle.repository}", str(self._place), transports=True, within_s=CLONE_WITHIN_S,
        )  # fmt: skip
        if said.code != 0:
            raise failed(f"{self._bundle.repository} cannot be cloned into quarantine", said)

    def _given(self) -> Path:
        """A copy that the user of git can read."""
        copy = self._folder / "bundle"
        shutil.copyfile(self._bundle.file, copy)
        copy.chmod(0o600)
        if self._git.user is not None and self._git.group is not None:
            os.chown(copy, self._git.user, self._git.group)
        return copy

    async def _within(self, *arguments: str, given: bytes = b"", most: int = MOST_OUTPUT, transports: bool = False) -> Said:
        settings = ("-c", "safe.bareRepository=explicit", f"--git-dir={self._place}")
        return await self._git.run(*settings, *arguments, given=given, bounded=True, most=most, transports=transports)

    async def _lines(self, *arguments: str) -> list[str]:
        said = await self._within(*arguments)
        if said.code != 0:
            raise failed(f"git {arguments[0]} failed on what a box handed over", said)
        return list(lines_of(said))
