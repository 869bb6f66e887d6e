"""Where on this machine cgroups can be made: version 1, version 2 or both at once (hybrid). Read, then tried.

In version 1 each controller is a tree of its own, and a box gets a group below ours. In version 2 a group can only be given
controllers where its parent has no processes, so the parent of ours and the root are candidates too (cgroup-v2.rst, "No
internal process constraint"). A hybrid machine has a version 2 tree without controllers, which still freezes and kills.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

CONTROLLERS = ("memory", "pids", "cpu")
FREEZER = "freezer"
V2 = "v2"


@dataclass(frozen=True, slots=True)
class Mounted:
    """One cgroup file system, from `/proc/self/mountinfo`."""

    controllers: frozenset[str]
    """`v2` alone for version 2."""
    root: str
    """The group that its mount point shows."""
    at: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The group below which a box's group is made, by controller; `v2` where version 2 freezes and kills."""

    parents: Mapping[str, Path] = field(default_factory=dict[str, Path])
    unified: frozenset[str] = frozenset()
    """The controllers of `parents` that are version 2."""


def mounted(mountinfo: str) -> list[Mounted]:
    """The cgroup lines of `/proc/self/mountinfo` (proc(5))."""
    found: list[Mounted] = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2) if after.count(" ") >= 2 else ("", "", "")
        where = before.split(" ")
        if kind in ("cgroup", "cgroup2") and len(where) > 4:
            names = frozenset({V2}) if kind == "cgroup2" else frozenset(options.split(","))
            found.append(Mounted(names, where[3], Path(where[4])))
    return found


def own_groups(cgroup: str) -> dict[str, str]:
    """Controller to our group, from `/proc/self/cgroup`; `v2` for version 2."""
    groups: dict[str, str] = {}
    for line in cgroup.splitlines():
        _, names, path = line.split(":", 2)
        groups |= dict.fromkeys(names.split(",") if names else (V2,), path)
    return groups


def own_folder(mount: Mounted, group: str) -> Path:
    """Our group in that file system. Its root may be a container's, whose own name is not seen."""
    inside = group.removeprefix(mount.root.rstrip("/")).lstrip("/")
    folder = mount.at / inside
    return folder if folder.is_dir() else mount.at


def places_here(mountinfo: str, cgroup: str, *, root: bool) -> Places:
    """Every parent in which a group was made and removed again just now."""
    groups = own_groups(cgroup)
    parents: dict[str, Path] = {}
    unified: set[str] = set()
    for mount in mounted(mountinfo):
        if V2 in mount.controllers:
            own = own_folder(mount, groups.get(V2, "/"))
            for parent in _candidates(mount.at, own, root=root):
                given = _usable_v2(parent)
                new = [name for name in (V2, *CONTROLLERS) if name in given and name not in parents]
                parents |= dict.fromkeys(new, parent)
                unified |= set(new)
            continue
        for name in (*CONTROLLERS, FREEZER):
            if name in mount.controllers and name not in parents:
                parent = own_folder(mount, groups.get(name, "/"))
                if _can_make(parent):
                    parents[name] = parent
    return Places(parents=parents, unified=frozenset(unified))


def _candidates(top: Path, own: Path, *, root: bool) -> Sequence[Path]:
    near = [own] if own == top else [own, own.parent]
    return [top, *near] if root else near


def _usable_v2(parent: Path) -> frozenset[str]:
    """What a group below that one is given: controllers, and `v2` for freezing and killing."""
    with suppress(OSError):
        wanted = " ".join(f"+{name}" for name in CONTROLLERS if name in _words(parent / "cgroup.controllers"))
        if wanted:
            (parent / "cgroup.subtree_control").write_text(wanted, encoding="ascii")
    if not _can_make(parent):
        return frozenset()
    return frozenset({V2}) | (_words(parent / "cgroup.subtree_control") & frozenset(CONTROLLERS))


def _can_make(parent: Path) -> bool:
    trial = parent / f"ringfence-trial-{os.getpid()}"
    try:
        trial.mkdir()
    except OSError:
        return False
    with suppress(OSError):
        trial.rmdir()
    return True


def _words(file: Path) -> frozenset[str]:
    try:
        return frozenset(file.read_text(encoding="ascii").split())
    except OSError:
        return frozenset()
