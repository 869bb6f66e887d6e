"""Tries each layer on this machine: small steps of bubblewrap first, then a whole box that reports on itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ringfence.adapters.sandbox.bubblewrap.argv import MIB
from ringfence.adapters.sandbox.bubblewrap.diagnosis import Failure, Step, Surroundings, diagnosed
from ringfence.adapters.sandbox.bubblewrap.remedies import REMEDIES
from ringfence.core.model.box import BoxLimits, BoxProfile, Layer
from ringfence.errors import UnavailableError
from ringfence.ports.sandbox import Box, BoxPlan, Probed, Standing

WITHIN_S = 20.0
LARGEST = 65_536
PORT = 8080
LIMITS = BoxLimits(memory_mib=64, processes=16, cpu_percent=50, workspace_mib=8, tmp_mib=8, wall_clock_s=20)
REPORT = """
cat /proc/self/status
for kind in user mnt pid ipc uts net cgroup; do echo "namespace:$(readlink /proc/self/ns/$kind)"; done
echo "size:$(df -k /work | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2)"
echo "core:$(ulimit -c)"
echo "files:$(ulimit -n)"
unshare -U true 2>/dev/null || echo "namespaces:refused"
grep -q ' 0A ' /proc/net/tcp && echo "listener:there"
exit 0
"""
_STEPS = (
    (Step.EXECUTE, ["--version"]),
    (Step.USER_NAMESPACE, ["--unshare-user", "--ro-bind", "/", "/", "--", "/bin/sh", "-c", ":"]),
    (Step.MOUNTS, ["--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "/bin/sh", "-c", ":"]),
    (
        Step.DISABLE,
        [
            "--unshare-all",
            "--unshare-user",
            "--disable-userns",
            "--ro-bind",
            "/",
            "/",
            "--proc",
            "/proc",
            "--",
            "/bin/sh",
            "-c",
            ":",
        ],
    ),
)


class Starts(Protocol):
    """What makes the box that is tried."""

    async def start(self, plan: BoxPlan) -> Box: ...


async def first_failure(bwrap: Path, user: int | None) -> Failure | None:
    """The smallest step that bubblewrap does not do here. `user`: the uid that boxes are made under; None: ours."""
    for step, options in _STEPS:
        failure = await asyncio.to_thread(_tried_step, bwrap, step, options, user)
        if failure is not None:
            return failure
    return None


def _tried_step(bwrap: Path, step: Step, options: Sequence[str], user: int | None) -> Failure | None:
    try:
        ran = subprocess.run(
            [bwrap, *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={},
            cwd="/",
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            timeout=WITHIN_S,
            check=False,
        )
    except OSError as error:
        return Failure(step=step, said=f"{bwrap}: {error.strerror}", missing=isinstance(error, FileNotFoundError))
    except subprocess.TimeoutExpired:
        return Failure(step=step, said="it did not end")
    if ran.returncode == 0:
        return None
    lines = ran.stderr.decode(errors="replace").strip().splitlines()
    return Failure(step=step, said=lines[-1][:300] if lines else "")


def surroundings_here() -> Surroundings:
    """What the machine says of itself."""
    status = _text("/proc/self/status")
    return Surroundings(
        max_user_namespaces=_number("/proc/sys/user/max_user_namespaces"),
        unprivileged_userns_clone=_number("/proc/sys/kernel/unprivileged_userns_clone"),
        apparmor_restricts=_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
        filtered="\nSeccomp:\t2" in status,
        container=_container(),
    )


def without_a_box(failure: Failure, around: Surroundings) -> list[Probed]:
    """Every layer, where no box comes to be."""
    standing, detail, remedy = diagnosed(failure, around)
    rest = f"not tried: {failure.step} failed"
    return [Probed(layer=Layer.NAMESPACES, standing=standing, detail=detail, remedy=remedy)] + [
        Probed(layer=layer, standing=Standing.ABSENT, detail=rest, remedy="see namespaces")
        for layer in Layer
        if layer is not Layer.NAMESPACES
    ]


def refused(error: UnavailableError) -> list[Probed]:
    """Every layer, where a whole box fails though each step does not."""
    return [
        Probed(layer=layer, standing=Standing.REFUSED, detail=f"a whole box: {error}", remedy=error.remedy) for layer in Layer
    ]


async def tried(sandbox: Starts) -> list[Probed]:
    """A whole box, and what it says of itself from inside."""
    profile = BoxProfile(name="probe", limits=LIMITS, needs=frozenset())
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as empty:
        plan = BoxPlan(
            name=f"probe-{os.urandom(6).hex()}",
            command=("/bin/sh", "-c", REPORT),
            profile=profile,
            listener_port=PORT,
            stdio=(empty.fileno(), out.fileno(), out.fileno()),
        )
        try:
            box = await sandbox.start(plan)
        except UnavailableError as error:
            return refused(error)
        try:
            box.release()
            await box.wait()
            said = os.pread(out.fileno(), LARGEST, 0).decode(errors="replace")
        finally:
            await box.close()
    return [_judged(layer, box.layers, said) for layer in Layer]


@dataclass(frozen=True, slots=True)
class _Check:
    """What has to be read in a box's report on itself."""

    tried: str
    holds: Callable[[str], bool]


def _judged(layer: Layer, claimed: frozenset[Layer], said: str) -> Probed:
    check = _CHECKS.get(layer)
    if layer not in claimed:
        return Probed(layer=layer, standing=Standing.REFUSED, detail=_ABSENT.get(layer, "no"), remedy=REMEDIES[layer])
    if check is None:
        return Probed(layer=layer, standing=Standing.PRESENT, detail=_PRESENT[layer])
    if check.holds(said):
        return Probed(layer=layer, standing=Standing.PRESENT, detail=check.tried)
    return Probed(layer=layer, standing=Standing.REFUSED, detail=f"{check.tried}: not so", remedy=REMEDIES[layer])


def _own_namespaces(said: str) -> bool:
    lines = said.splitlines()
    theirs = {line.removeprefix("namespace:") for line in lines if line.startswith("namespace:")}
    ours = {os.readlink(f"/proc/self/ns/{kind}") for kind in ("user", "mnt", "pid", "ipc", "uts", "net", "cgroup")}
    return len(theirs) == len(ours) and not theirs & ours


def _line(*wanted: str) -> Callable[[str], bool]:
    return lambda said: all(line in said.splitlines() for line in wanted)


_CHECKS = {
    Layer.NAMESPACES: _Check("a box with seven namespaces of its own", _own_namespaces),
    Layer.SECCOMP: _Check(
        "in a box: the kernel says mode 2, and no namespace can be made", _line("Seccomp:\t2", "namespaces:refused")
    ),
    Layer.NO_NEW_PRIVILEGES: _Check("in a box: the kernel says so", _line("NoNewPrivs:\t1")),
    Layer.RLIMITS: _Check("in a box: no core files, bounded descriptors", _line("core:0", f"files:{LIMITS.open_files}")),
    Layer.SIZED_WORKSPACE: _Check(
        f"in a box: a workspace of {LIMITS.workspace_mib} MiB", _line(f"size:{LIMITS.workspace_mib * MIB // 1024}")
    ),
    Layer.INNER_LISTENER: _Check("in a box: a socket listens that we hold", _line("listener:there")),
}
_PRESENT = {
    Layer.MEMORY: "a box in a cgroup of its own, the limit written and read back",
    Layer.PROCESSES: "a box with a limit on processes that counts it alone",
    Layer.CPU: "a box in a cgroup of its own, the quota written and read back",
    Layer.OWN_UID: "a box under a uid that nothing else has",
}
_ABSENT = {
    Layer.MEMORY: "no cgroup with the memory controller can be made here: memory is bounded for each process alone",
    Layer.PROCESSES: "no cgroup with the pids controller can be made here, and this kernel counts processes by user",
    Layer.CPU: "no cgroup with the cpu controller can be made here",
    Layer.OWN_UID: "this process may not become another user",
}


def _container() -> str:
    for path in ("/.dockerenv", "/run/.containerenv", "/run/systemd/container"):
        if os.path.exists(path):
            return f"this is a container ({path})"
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "this is a container (Kubernetes)"
    return ""


def _number(path: str) -> int | None:
    with suppress(ValueError):
        return int(_text(path))
    return None


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(LARGEST)
    except OSError:
        return ""
