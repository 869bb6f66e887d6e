"""The box that a run's processes live in: what it shows them, and how much of everything they may use."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Layer(StrEnum):
    """What contains the processes of a box. Each is tried on the machine before it is relied on."""

    NAMESPACES = "namespaces"
    """Own user, mount, pid, ipc, uts, cgroup and network namespaces."""
    SECCOMP = "seccomp"
    NO_NEW_PRIVILEGES = "no_new_privileges"
    RLIMITS = "rlimits"
    """Limits per process: address space, size of a file, descriptors."""
    MEMORY = "memory"
    """A limit over all processes of the box together (cgroup)."""
    PROCESSES = "processes"
    """A limit on how many there are (cgroup, or a uid of its own)."""
    CPU = "cpu"
    OWN_UID = "own_uid"
    """A uid that no other run has, so that what the kernel counts by uid is not shared."""
    SIZED_WORKSPACE = "sized_workspace"
    """A file system of its own with a limit on bytes and inodes."""
    INNER_LISTENER = "inner_listener"
    """A socket that listens in the box's network and is served from outside: its only way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxLimits:
    """How much the processes of one box may use together, where the machine can hold them to it."""

    memory_mib: int = 2048
    processes: int = 256
    cpu_percent: int = 200
    """Of one processor."""
    open_files: int = 1024
    """By one process."""
    file_mib: int = 512
    """One file."""
    workspace_mib: int = 2048
    tmp_mib: int = 512
    wall_clock_s: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxProfile:
    """What an agent's box is like."""

    name: str
    limits: BoxLimits = BoxLimits()
    network: bool = False
    """Whether there is a way out at all: the inner listener with its proxy, which lets through what the egress rules say."""
    needs: frozenset[Layer] = frozenset({Layer.NAMESPACES, Layer.SECCOMP, Layer.NO_NEW_PRIVILEGES, Layer.RLIMITS})
    """Without one of these the box is refused."""
    shows: tuple[str, ...] = ()
    """Absolute paths of the host that are seen, read-only, besides `/usr`."""
    environment: dict[str, str] = field(default_factory=dict[str, str])
    """Variables that its processes have besides PATH, HOME and what the network needs. No secrets."""
    protect: tuple[str, ...] = ()
    """Patterns of paths whose change a person has to see, besides those that are built in (`core.export.protected`)."""
