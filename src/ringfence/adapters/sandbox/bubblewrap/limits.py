"""The limits that hold without a cgroup, as numbers. Pure."""

from __future__ import annotations

from ringfence.adapters.sandbox.bubblewrap.argv import MIB, SHM_MIB, WORK
from ringfence.core.model.box import BoxLimits

INIT = 1
"""Bubblewrap's own process in the box, which reaps."""
INODES_PER_MIB = 128
FEWEST_INODES = 16_384


def rlimits(limits: BoxLimits, *, processes: bool) -> dict[str, int]:
    """Name of the limit, without `RLIMIT_`, to its soft and hard value.

    Memory is bounded as DATA and not as AS: Node.js and others reserve address space by the ten gigabytes and use none of it.
    `processes`: whether NPROC would count this box alone.
    """
    made = {
        "CORE": 0,
        "NOFILE": limits.open_files,
        "FSIZE": limits.file_mib * MIB,
        "DATA": limits.memory_mib * MIB,
        "MEMLOCK": 64 * 1024,
        "MSGQUEUE": 0,
        "SIGPENDING": 1024,
        "RTPRIO": 0,
        "NICE": 0,
    }
    return made | {"NPROC": limits.processes + INIT} if processes else made


def kernel_limits() -> dict[str, int]:
    """Below `/proc/sys/user`: what the kernel counts for the box's user namespace, and else for the user of the host."""
    return {"max_inotify_instances": 128, "max_inotify_watches": 65_536, "max_fanotify_groups": 0}


def file_systems(limits: BoxLimits, *, own_workspace: bool) -> dict[str, str]:
    """Mount point to its options. A file of no length costs the kernel memory that no size counts, so files are counted too."""
    sizes = {"/tmp": limits.tmp_mib, "/dev/shm": SHM_MIB} | ({WORK: limits.workspace_mib} if own_workspace else {})
    return {path: f"size={mib * MIB},nr_inodes={max(FEWEST_INODES, mib * INODES_PER_MIB)}" for path, mib in sizes.items()}
