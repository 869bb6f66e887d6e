"""The boxes that a configuration names: what each kind of work needs, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringfence.core.model.box import BoxLimits, BoxProfile, Layer

_NEEDS: Final = frozenset({Layer.NAMESPACES, Layer.SECCOMP, Layer.NO_NEW_PRIVILEGES, Layer.RLIMITS, Layer.PROCESSES})

PROFILES: Final[Mapping[str, BoxProfile]] = {
    "light": BoxProfile(
        name="light",
        needs=_NEEDS,
        limits=BoxLimits(memory_mib=512, processes=64, cpu_percent=100, workspace_mib=256, tmp_mib=64, wall_clock_s=900),
    ),
    "code": BoxProfile(
        name="code", limits=BoxLimits(memory_mib=4096, processes=512, cpu_percent=400), network=True, needs=_NEEDS
    ),
    "ops": BoxProfile(name="ops", limits=BoxLimits(memory_mib=1024, processes=128), network=True, needs=_NEEDS),
}
"""`light` has no way out and writes only into its workspace. `code` has room to build and test. `ops` acts on other systems.

None needs a cgroup, which an ordinary user often has not: memory is then bounded for each process alone, and the run says so.
"""
