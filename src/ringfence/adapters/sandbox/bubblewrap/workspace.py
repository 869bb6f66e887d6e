"""What the command works on: a file system in memory, a safe clone in one, or a folder of the host.

A clone is made inside the box, by the box's own git, over a descriptor: `git upload-pack` of the host reads the operator's
repository, which is trusted, and `git clone fd::N` writes objects of its own to `/work`. So no path of the host is shown, the
clone lies on a sized file system whoever we are, has no remote (its address may hold a token), no hooks, no configuration but
a name, and git of the host never reads what the box writes. The descriptor is closed before the command starts.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from ringfence.adapters.sandbox.bubblewrap.argv import EXEC, SHELL, WORK
from ringfence.errors import UnavailableError
from ringfence.ports.sandbox import Left, Workspace, WorkspaceKind

GIT = "/usr/bin/git"
BASH = "/bin/bash"
"""The descriptor has more than one digit, which a POSIX shell need not be able to close."""
CLONE_FAILED = 125
ENVIRONMENT = {
    "PATH": os.defpath,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
}
"""Of git on the operator's repository: what that has left elsewhere is not fetched, by a program that it names."""
NOBODY = 65_534
"""In the place of root's group."""
CLONE = f"""
fd=$1; shift
git clone --quiet --no-tags --single-branch --template= "fd::$fd" {WORK} </dev/null >&2 \\
  && git -C {WORK} remote remove origin \\
  && git -C {WORK} config user.name agent && git -C {WORK} config user.email agent@box \\
  || {{ echo "ringfence: the repository could not be cloned into the box" >&2; exit {CLONE_FAILED}; }}
eval "exec $fd>&-"
exec "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A workspace, ready to be part of a box."""

    command: Sequence[str]
    """The plan's, with what has to be done before it."""
    folder: str | None = None
    """Of the host. None: a file system in memory."""
    owner: int | None = None
    """Who has to be the user of the box, because the folder is theirs."""
    group: int | None = None
    """The folder's group, for a box of its owner."""
    passed: Sequence[int] = ()
    """Descriptors of the command's first stage."""
    keeps: bool = False
    """Whether its file system is to outlive the box's processes."""
    left: Left | None = None
    """What is mounted in place of a file system of its own."""
    writable: bool = False


def prepared(workspace: Workspace, command: Sequence[str], *, root: bool, held: ExitStack, handed: ExitStack) -> Prepared:
    """`held` lasts as long as the box, `handed` until bubblewrap has its own copies of the descriptors.

    Raises UnavailableError where the source is not what the kind needs.
    """
    if not command:
        raise UnavailableError("a box needs a command")
    plain = [SHELL, "-c", EXEC, "sh", *command]
    if workspace.kind is WorkspaceKind.NONE:
        return Prepared(command=plain)
    if workspace.kind is WorkspaceKind.LEFT:
        if workspace.left is None:
            raise UnavailableError("the other box has left nothing")
        return Prepared(command=plain, owner=workspace.left.user, keeps=True, left=workspace.left, writable=workspace.writable)
    source = Path(workspace.source or "")
    if not source.is_absolute() or not source.is_dir():
        raise UnavailableError(
            f"{workspace.source} is no folder that a box can work on", remedy="give an absolute path of a folder"
        )
    if workspace.kind is WorkspaceKind.FOLDER:
        if not root:
            return Prepared(command=plain, folder=str(source))
        return Prepared(command=plain, folder=str(source), owner=_owner(source), group=source.stat().st_gid or NOBODY)
    number = _serve_clone(source, root=root, held=held, handed=handed)
    return Prepared(command=[BASH, "-c", CLONE, "bash", str(number), *command], passed=(number,), keeps=True)


def owned(work: Prepared, writable: Sequence[str], *, root: bool) -> Prepared:
    """The workspace of a box that may write to further folders: it then has the user of whoever owns them.

    Raises UnavailableError where they belong to different users, or to root.
    """
    if not writable or not root:
        return work
    groups = {_owner(Path(folder)): Path(folder).stat().st_gid or NOBODY for folder in writable}
    owner = work.owner if work.owner is not None else next(iter(groups))
    if set(groups) != {owner}:
        raise UnavailableError(f"{', '.join(writable)} belong to different users, and a box has one", remedy="chown -R USER")
    return replace(work, owner=owner, group=groups[owner])


def _owner(folder: Path) -> int:
    """The files of root are never shared with a box: whoever owns `/dev/null` may change it for all."""
    owner = folder.stat().st_uid
    if owner == 0:
        raise UnavailableError(
            f"{folder} belongs to root, and no process of a box may be root's",
            remedy=f"chown -R USER {folder}, start as an ordinary user, or work on a clone",
        )
    return owner


def _serve_clone(source: Path, *, root: bool, held: ExitStack, handed: ExitStack) -> int:
    """The descriptor on which the repository is handed out, once."""
    for program in (BASH, GIT):
        if not Path(program).exists():
            raise UnavailableError(f"{program} is missing", remedy="apt-get install bash git")
    if not any((source / name).exists() for name in (".git", "objects")):
        raise UnavailableError(f"{source} is no git repository")
    owner = source.stat() if root else None
    ours, theirs = socket.socketpair()
    handed.enter_context(theirs)
    with ours:
        process = subprocess.Popen(
            [GIT, "upload-pack", str(source)],
            stdin=ours.fileno(),
            stdout=ours.fileno(),
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            user=owner.st_uid if owner else None,
            group=owner.st_gid if owner else None,
            extra_groups=[] if owner else None,
        )
    held.callback(process.wait)
    held.callback(process.kill)
    return theirs.fileno()
