"""Boxes for the suite of the sandbox port. Needs nothing but the standard library and ringfence: any interpreter can run it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ringfence.adapters.sandbox.bubblewrap.sandbox import BubblewrapSandbox
from ringfence.core.model.box import BoxLimits, BoxProfile
from ringfence.ports.sandbox import Box, BoxEnd, BoxPlan, Workspace, WorkspaceKind

PYTHON = next((path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if Path(path).exists()), "/usr/bin/python3")
"""One that a box shows, and that an ordinary user can execute."""
ROOT = Path(__file__).parents[2]
PATHS = f"{ROOT}:{ROOT / 'src'}"
STRANGER = 61_234
"""An ordinary user that no account belongs to."""
SMALL = BoxLimits(
    memory_mib=128, processes=32, open_files=64, file_mib=2, workspace_mib=4, tmp_mib=4, wall_clock_s=60, cpu_percent=100
)


@dataclass
class Ran:
    """A box that has ended, and what it wrote."""

    end: BoxEnd
    out: str
    err: str


@dataclass
class SandboxWorld:
    """One sandbox and a folder of the host that is for everybody."""

    folder: Path
    sandbox: BubblewrapSandbox
    profile: BoxProfile = field(default_factory=lambda: BoxProfile(name="test", limits=SMALL))
    boxes: int = 0

    def plan(self, *command: str, **changes: Any) -> BoxPlan:
        self.boxes += 1
        profile: BoxProfile = changes.pop("profile", self.profile)
        bounded = replace(profile, limits=replace(profile.limits, **changes.pop("limits", {})))
        return BoxPlan(name=f"test-{self.boxes}", command=command, profile=bounded, **changes)

    @asynccontextmanager
    async def box(self, *command: str, **changes: Any) -> AsyncGenerator[Box]:
        """Started, not released; closed at the end."""
        box = await self.sandbox.start(self.plan(*command, **changes))
        try:
            yield box
        finally:
            await box.close()

    async def run(self, *command: str, **changes: Any) -> Ran:
        """A command from its beginning to its end."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as empty:
            async with self.box(*command, stdio=(empty.fileno(), out.fileno(), err.fileno()), **changes) as box:
                box.release()
                end = await box.wait()
            return Ran(end, _text(out.fileno()), _text(err.fileno()))

    async def python(self, script: str, *arguments: str, **changes: Any) -> Ran:
        return await self.run(PYTHON, "-I", "-c", script, *arguments, **changes)

    async def shell(self, script: str, **changes: Any) -> Ran:
        return await self.run("/bin/sh", "-c", script, **changes)

    def folder_for_a_box(self) -> Workspace:
        """A folder of the host that a box may write: of an ordinary user."""
        folder = self.folder / f"folder-{self.boxes}"
        folder.mkdir()
        if os.geteuid() == 0:
            os.chown(folder, STRANGER, STRANGER + 1)
        return Workspace(kind=WorkspaceKind.FOLDER, source=str(folder))


def text_of(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def groups(part: str) -> list[str]:
    """The cgroups of boxes whose tag begins so."""
    return [str(path) for path in Path("/sys/fs/cgroup").rglob(f"ringfence-{part}*")]


def git(folder: str, *arguments: str) -> None:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.defpath}
    names = ["-c", "user.name=tester", "-c", "user.email=tester@example.com"]
    subprocess.run(["git", *names, *arguments], cwd=folder, env=own, check=True, capture_output=True)


def _text(descriptor: int) -> str:
    return os.pread(descriptor, 1_000_000, 0).decode(errors="replace")


@contextmanager
def sandbox_world() -> Generator[SandboxWorld]:
    with tempfile.TemporaryDirectory(prefix="ringfence-test-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        sandbox = BubblewrapSandbox(folder=folder / "state", python=Path(PYTHON))
        try:
            yield SandboxWorld(folder, sandbox)
        finally:
            sandbox.close()


def ways() -> tuple[str, ...]:
    """As whom the suite runs: as the caller, and where that is root, as an ordinary user as well."""
    return ("caller", "stranger") if os.geteuid() == 0 else ("caller",)


def run_module(way: str, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of this folder in a process of its own; the stranger's can neither read nor do what root can."""
    user = STRANGER if way == "stranger" else None
    return subprocess.run(
        [
            PYTHON if way == "stranger" else sys.executable,
            "-X",
            "dev",
            "-W",
            "error",
            "-B",
            "-m",
            f"tests.contract.{module}",
            *arguments,
        ],
        env={"PATH": os.defpath, "PYTHONPATH": PATHS},
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
