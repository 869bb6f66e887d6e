"""The cgroups of one box: what its processes may use together, freezing them, and ending what is left."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from ringfence.adapters.sandbox.bubblewrap.argv import MIB
from ringfence.adapters.sandbox.bubblewrap.cgroup_places import FREEZER, V2, Places
from ringfence.core.model.box import BoxLimits, Layer
from ringfence.errors import UnavailableError

PERIOD_US = 100_000
NAME = "ringfence-"
ROUNDS = 500
BETWEEN_S = 0.01
LAYERS = {"memory": Layer.MEMORY, "pids": Layer.PROCESSES, "cpu": Layer.CPU}


def settings(controller: str, limits: BoxLimits, *, unified: bool) -> Mapping[str, str]:
    """File in the group to what is written into it. Swap counts as memory where the kernel counts it."""
    memory, quota = str(limits.memory_mib * MIB), limits.cpu_percent * PERIOD_US // 100
    if controller == "memory":
        if unified:
            return {"memory.max": memory, "memory.swap.max": "0"}
        return {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory}
    if controller == "pids":
        return {"pids.max": str(limits.processes + 1)}
    if controller == "cpu":
        return {"cpu.max": f"{quota} {PERIOD_US}"} if unified else {"cpu.cfs_quota_us": str(quota)}
    return {}


OPTIONAL = frozenset({"memory.swap.max", "memory.memsw.limit_in_bytes"})


class BoxGroup:
    """The groups of one box, one in each tree that is used."""

    def __init__(self, folders: Mapping[str, Path], unified: frozenset[str]) -> None:
        self._folders = folders
        self._unified = unified

    @property
    def folders(self) -> frozenset[Path]:
        return frozenset(self._folders.values())

    @property
    def layers(self) -> frozenset[Layer]:
        return frozenset(LAYERS[name] for name in self._folders if name in LAYERS)

    @property
    def may_freeze(self) -> bool:
        return V2 in self._folders or FREEZER in self._folders

    def add(self, pid: int) -> None:
        """Raises UnavailableError: a limit that does not hold the box's first process holds nothing."""
        for folder in self.folders:
            try:
                (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")
            except OSError as error:
                raise UnavailableError(
                    f"the box cannot be moved to {folder}: {error.strerror}",
                    remedy="start it in a scope of its own: systemd-run --user --scope -p Delegate=yes",
                ) from error

    async def freeze(self) -> None:
        """Raises UnavailableError where the kernel does not say that all of them are frozen."""
        if V2 in self._folders:
            folder = self._folders[V2]
            _write(folder / "cgroup.freeze", "1")
            await _until(lambda: "frozen 1" in _read(folder / "cgroup.events"))
            return
        folder = self._folders[FREEZER]
        _write(folder / "freezer.state", "FROZEN")
        await _until(lambda: _read(folder / "freezer.state").strip() == "FROZEN")

    async def thaw(self) -> None:
        if V2 in self._folders:
            folder = self._folders[V2]
            _write(folder / "cgroup.freeze", "0")
            await _until(lambda: "frozen 0" in _read(folder / "cgroup.events"))
            return
        self._thaw_v1()

    def strike(self) -> None:
        """Send a kill to everything in it, once. What version 1 holds frozen dies only when it is thawed."""
        if V2 in self._folders and (self._folders[V2] / "cgroup.kill").exists():
            with suppress(OSError):
                (self._folders[V2] / "cgroup.kill").write_text("1", encoding="ascii")
        else:
            for folder in self.folders:
                kill_members(folder)
        if FREEZER in self._folders:
            with suppress(UnavailableError):
                self._thaw_v1()

    def was_out_of_memory(self) -> bool:
        """Whether the kernel killed one of it for the group's limit."""
        folder = self._folders.get("memory")
        if folder is None:
            return False
        file = "memory.events" if "memory" in self._unified else "memory.oom_control"
        for line in _read(folder / file).splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count) > 0
        return False

    async def remove(self) -> None:
        """Nothing of it is left when this returns."""
        for _ in range(ROUNDS):
            if self.drop_empty():
                return
            self.strike()
            await asyncio.sleep(BETWEEN_S)
        raise UnavailableError("a cgroup of the box cannot be removed", remedy=f"see {sorted(map(str, self.folders))}")

    def drop_empty(self) -> bool:
        """Remove those that no process is in. Whether none is left."""
        left = [folder for folder in self.folders if not removed(folder)]
        return not left

    def _thaw_v1(self) -> None:
        _write(self._folders[FREEZER] / "freezer.state", "THAWED")


def make_group(places: Places, tag: str, limits: BoxLimits) -> BoxGroup:
    """The groups with their limits, each read back. What cannot be made is left out, and is then no layer of the box."""
    folders: dict[str, Path] = {}
    for name, parent in places.parents.items():
        if name == FREEZER and V2 in places.parents:
            continue
        folder = parent / (NAME + tag)
        try:
            folder.mkdir(exist_ok=True)
            _limit(folder, settings(name, limits, unified=name in places.unified))
            folders[name] = folder
        except OSError:
            if folder not in folders.values():
                removed(folder)
    return BoxGroup(folders, places.unified)


def _limit(folder: Path, wanted: Mapping[str, str]) -> None:
    for file, value in wanted.items():
        if file in OPTIONAL and not (folder / file).exists():
            continue
        (folder / file).write_text(value, encoding="ascii")
        if (folder / file).read_text(encoding="ascii").strip() != value:
            raise OSError(f"{folder / file} does not keep its value")


def kill_members(folder: Path) -> None:
    for pid in _read(folder / "cgroup.procs").split():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(int(pid), signal.SIGKILL)


def removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(ROUNDS):
        if holds():
            return
        await asyncio.sleep(BETWEEN_S)
    raise UnavailableError("the box does not freeze or thaw", remedy="kill it")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except OSError:
        return ""


def _write(file: Path, value: str) -> None:
    try:
        file.write_text(value, encoding="ascii")
    except OSError as error:
        raise UnavailableError(f"{file} cannot be written: {error.strerror}") from error
