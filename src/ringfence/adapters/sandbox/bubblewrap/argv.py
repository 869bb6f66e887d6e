"""What bubblewrap is told. Pure: the machine's layout and the descriptors are arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ringfence.adapters.sandbox.bubblewrap.etc import GID, HOME, HOST, OWN, UID
from ringfence.core.model.box import BoxLimits

MIB = 1024 * 1024
SHM_MIB = 64
WORK = "/work"
SHELL = "/bin/sh"
EXEC = 'exec "$@"'
"""A shell stands before the command, because it tells a program that is not there (127) from one that cannot be run (126)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """One entry of the host's root as the box sees it: a link into `/usr`, or a folder shown read-only."""

    path: str
    target: str = ""
    """Of a link. Empty: the folder itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors:
    """Numbers that bubblewrap inherits. It closes each before the command starts."""

    seccomp: int
    info: int
    block: int
    files: Mapping[str, int]
    """Absolute path in the box to a descriptor with the content."""


def flags(
    *,
    roots: Sequence[Root],
    shown: Sequence[str],
    links: Mapping[str, str],
    hidden: Sequence[str] = (),
    environment: Mapping[str, str],
    limits: BoxLimits,
    descriptors: Descriptors,
    workspace: str | None,
    writable: Sequence[str] = (),
) -> list[str]:
    """Every option. `workspace` is a folder of the host that becomes `/work`; None: a sized file system in memory."""
    return [
        *_namespaces(),
        *_environment(environment),
        *_roots(roots),
        *_etc(descriptors.files, links),
        *_kernel_files(hidden),
        *_own_space(limits, workspace),
        *(item for path in shown for item in ("--ro-bind", path, path)),
        *(item for path in writable for item in ("--bind", path, path)),
        "--chdir", WORK, "--remount-ro", "/",
        "--seccomp", str(descriptors.seccomp),
        "--info-fd", str(descriptors.info),
        "--block-fd", str(descriptors.block),
    ]  # fmt: skip


def _namespaces() -> list[str]:
    return [
        "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session",
        "--cap-drop", "ALL", "--uid", str(UID), "--gid", str(GID), "--hostname", HOST,
    ]  # fmt: skip


def _environment(environment: Mapping[str, str]) -> list[str]:
    return ["--clearenv", *(item for name, value in environment.items() for item in ("--setenv", name, value))]


def _roots(roots: Sequence[Root]) -> list[str]:
    return [
        item
        for root in roots
        for item in (("--symlink", root.target, root.path) if root.target else ("--ro-bind", root.path, root.path))
    ]


def _etc(files: Mapping[str, int], links: Mapping[str, str]) -> list[str]:
    made = ["--perms", "0755", "--dir", "/etc", "--perms", "0755", "--dir", OWN]
    for path, descriptor in files.items():
        made += ["--perms", "0644", "--file", str(descriptor), path]
    for path, target in links.items():
        made += ["--symlink", target, path]
    return made


def _kernel_files(hidden: Sequence[str]) -> list[str]:
    """`hidden` are files of `/proc` that tell of the user outside.

    `/dev` is a file system in memory too: without the remount it would be room without a limit.
    """
    return [
        "--proc", "/proc", *(item for path in hidden for item in ("--ro-bind", "/dev/null", path)),
        "--dev", "/dev", "--perms", "1777", "--size", str(SHM_MIB * MIB), "--tmpfs", "/dev/shm",
        "--remount-ro", "/dev",
    ]  # fmt: skip


def _own_space(limits: BoxLimits, workspace: str | None) -> list[str]:
    made = ["--perms", "1777", "--size", str(limits.tmp_mib * MIB), "--tmpfs", "/tmp", "--perms", "0700", "--dir", HOME]
    if workspace is None:
        return [*made, "--perms", "0755", "--size", str(limits.workspace_mib * MIB), "--tmpfs", WORK]
    return [*made, "--bind", workspace, WORK]
