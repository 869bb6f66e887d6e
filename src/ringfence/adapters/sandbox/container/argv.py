"""What podman or docker is told. Both read these options alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.core.model.box import BoxLimits
from ringfence.ports.sandbox import BoxPlan

PREFIX = "ringfence-box-"
WORK, OWN, HOME = "/work", "/etc/ringfence", "/tmp/home"
MIB = 1024 * 1024
INODES_PER_MIB, FEWEST_INODES = 128, 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Which program makes the containers, from which image, in which runtime."""

    program: str
    """Absolute path of podman or docker."""
    image: str
    """Present on this machine already: none is fetched."""
    runtime: str = ""
    """`runc`, `runsc` (gVisor), or the engine's own choice."""


def create(engine: Engine, plan: BoxPlan, tag: str, own_files: str | None, user: str) -> list[str]:
    """Makes a container that has not begun. `own_files`: a folder of the host that becomes `/etc/ringfence`."""
    return [
        engine.program, "create", "--pull", "never", "--name", PREFIX + tag, "--interactive", "--init",
        *(["--runtime", engine.runtime] if engine.runtime else []),
        "--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        "--user", user, "--hostname", "box", "--workdir", WORK,
        *_limits(plan.profile.limits),
        *_room(plan, own_files),
        *(item for name, value in _environment(plan).items() for item in ("--env", f"{name}={value}")),
        "--entrypoint", "", engine.image, *plan.command,
    ]  # fmt: skip


def _limits(limits: BoxLimits) -> list[str]:
    memory, files = f"{limits.memory_mib}m", limits.open_files
    return [
        "--memory", memory, "--memory-swap", memory, "--pids-limit", str(limits.processes),
        "--cpus", f"{limits.cpu_percent / 100:g}",
        "--ulimit", f"nofile={files}:{files}", "--ulimit", "core=0:0",
        "--ulimit", f"fsize={limits.file_mib * MIB}:{limits.file_mib * MIB}", "--shm-size", "64m",
    ]  # fmt: skip


def _room(plan: BoxPlan, own_files: str | None) -> list[str]:
    limits = plan.profile.limits
    made = ["--tmpfs", f"/tmp:{_sized(limits.tmp_mib)}"]
    if plan.workspace.source is None:
        made += ["--tmpfs", f"{WORK}:{_sized(limits.workspace_mib)}"]
    else:
        made += ["--volume", f"{plan.workspace.source}:{WORK}:rw"]
    if own_files is not None:
        made += ["--volume", f"{own_files}:{OWN}:ro"]
    return made + [item for path in plan.profile.shows for item in ("--volume", f"{path}:{path}:ro")]


def _sized(mib: int) -> str:
    return f"rw,nosuid,nodev,exec,mode=1777,size={mib}m,nr_inodes={max(FEWEST_INODES, mib * INODES_PER_MIB)}"


def _environment(plan: BoxPlan) -> Mapping[str, str]:
    return {"HOME": HOME, "LANG": "C.UTF-8", **plan.profile.environment, **plan.environment}
