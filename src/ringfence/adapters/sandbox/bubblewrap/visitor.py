"""A small process that goes into the namespaces of a box whose command has not begun, and comes back with its listener.

It is executed as a program of its own, with Python's isolated mode and the standard library alone: a process with threads
can neither enter a user namespace nor fork safely. It waits on a socket and forks once for each visit, so that one visit
costs a fork and no interpreter. In a visit nothing is imported: the uid of a run may not read Python's own files.

When the socket's other end is closed, the maker of the boxes has ended: it kills the boxes that it has visited, and ends. The
kernel's parent-death signal does that too, but not for a box whose command was never let go.

A visit, in this order: become the uid of the run, so that nothing but that user's rights is used on the box; set the limits of
the box's first process, which everything in it inherits; enter the user namespace that owns the box's network, then the
network (listener), then the mounts (whether they are what was looked at; the number of files on the sized file systems; the
clone of another box, and the own one that is to outlive the box, as a copy of its mount that stands in no namespace).

Limits on processes are set only here, after the user namespace exists: from Linux 5.14 on the kernel then counts the
processes of this box alone, and not those that the user has elsewhere.
"""

from __future__ import annotations

import ctypes
import fcntl
import marshal
import os
import resource
import select
import signal
import socket
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MARSHAL = 2
"""A form that every Python reads. Of our own making on both ends, and nothing has to be imported for it: the first box of a
process waits for this program to start."""
NS_GET_USERNS = 0xB701
"""ioctl_ns(2)."""
CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWNS = 0x10000000, 0x40000000, 0x00020000
IP_FREEBIND = 15
"""ip(7): bind before the loopback of the new network is up. Bubblewrap brings it up itself, and fails where it is up."""
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND = 1, 2, 4, 32, 4096
OPEN_TREE, MOVE_MOUNT = 428, 429
"""Numbers of the system calls: the same on every architecture."""
AT_FDCWD, OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC, MOVE_MOUNT_F_EMPTY_PATH = -100, 1, 0o2000000, 4
BACKLOG = 128
LARGEST_REQUEST = 65_536
ROUNDS, BETWEEN_S = 20_000, 0.0005


class RefusedError(Exception):
    """One step of a visit that the kernel did not let it do."""


def main() -> None:
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, signal.SIG_IGN)
    door = socket.socket(fileno=0)
    libc = ctypes.CDLL(None, use_errno=True)
    guarded: list[int] = []
    while (received := _received(door))[0]:
        wanted, given = marshal.loads(received[0]), received[1]
        guarded = _living(guarded)
        try:
            guarded.append(os.pidfd_open(wanted["pid"]))
        except OSError:
            if given is not None:
                os.close(given)
            _answer(door, "its first process is gone")
            continue
        child = os.fork()
        if child == 0:
            try:
                _visit(door, libc, wanted, given)
                os._exit(0)
            finally:
                os._exit(1)
        if given is not None:
            os.close(given)
        if os.waitpid(child, 0)[1] != 0:
            _answer(door, "the visit died")
    for box in _living(guarded):
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(box, signal.SIGKILL)


def _living(boxes: list[int]) -> list[int]:
    """A pidfd can be read when its process has ended."""
    asked = select.poll()
    for box in boxes:
        asked.register(box, select.POLLIN)
    ended = {descriptor for descriptor, _ in asked.poll(0)}
    for box in ended:
        os.close(box)
    return [box for box in boxes if box not in ended]


def _received(door: socket.socket) -> tuple[bytes, int | None]:
    """A request, and the descriptor that came with it. Without `socket.recv_fds`, which would have to import something."""
    data, passed, _, _ = door.recvmsg(LARGEST_REQUEST, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
    return data, int.from_bytes(passed[0][2][:4], sys.byteorder) if passed else None


def _visit(door: socket.socket, libc: ctypes.CDLL, wanted: dict[str, Any], given: int | None) -> None:
    try:
        listener, kept = _work(libc, wanted, given)
    except (RefusedError, OSError, ValueError) as error:
        _answer(door, str(error))
    else:
        _answer(door, "", *([listener.fileno()] if listener else []), *([kept] if kept is not None else []))


def _answer(door: socket.socket, why: str, *passed: int) -> None:
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, each.to_bytes(4, sys.byteorder)) for each in passed]
    door.sendmsg([marshal.dumps({"ok": not why, "why": why}, MARSHAL)], rights)


def _work(libc: ctypes.CDLL, wanted: dict[str, Any], given: int | None) -> tuple[socket.socket | None, int | None]:
    if wanted["uid"] is not None:
        os.setgroups([])
        os.setresgid(wanted["gid"], wanted["gid"], wanted["gid"])
        os.setresuid(wanted["uid"], wanted["uid"], wanted["uid"])
    pid = wanted["pid"]
    network, owner = _ready(pid)
    mounts = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    for name, value in wanted["limits"].items():
        _limit(pid, name, value)
    _enter(libc, owner, CLONE_NEWUSER, "user")
    for name, value in wanted["kernel"].items():
        _set_kernel_limit(name, value)
    _enter(libc, network, CLONE_NEWNET, "network")
    listener = _listen(wanted["port"]) if wanted["port"] is not None else None
    _enter(libc, mounts, CLONE_NEWNS, "mount")
    for path, identity in wanted["mounted"].items():
        there = os.stat(path)
        if (there.st_dev, there.st_ino) != identity:
            raise RefusedError(f"{path} became another thing while the box was made: it lies where a box may write")
    for path, options in wanted["mounts"].items():
        if libc.mount(b"none", path.encode(), None, MS_REMOUNT | MS_NOSUID | MS_NODEV, options.encode()) != 0:
            raise RefusedError(f"{path} cannot be limited: {os.strerror(ctypes.get_errno())}")
    if given is not None:
        _place(libc, given, **wanted["given"])
    return listener, _kept(libc, wanted["keeps"]) if wanted["keeps"] else None


def _place(libc: ctypes.CDLL, mount: int, place: str, writable: bool) -> None:
    options = MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | (0 if writable else MS_RDONLY)
    if (
        libc.syscall(MOVE_MOUNT, mount, b"", AT_FDCWD, place.encode(), MOVE_MOUNT_F_EMPTY_PATH) != 0
        or libc.mount(None, place.encode(), None, options, None) != 0
    ):
        raise RefusedError(f"what another box left cannot be mounted: {os.strerror(ctypes.get_errno())}")


def _kept(libc: ctypes.CDLL, place: str) -> int | None:
    """None where the kernel has no such call: then nothing outlives the box."""
    mount = libc.syscall(OPEN_TREE, AT_FDCWD, place.encode(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
    return mount if mount >= 0 else None


def _ready(pid: int) -> tuple[int, int]:
    """The box's network namespace and the user namespace that owns it.

    Bubblewrap tells its process's number before it mounts anything. The last that it does before it waits is the second user
    namespace of `--disable-userns`: when the process is in another one than the owner of its network, the mounts are there.
    """
    for _ in range(ROUNDS):
        with suppress(PermissionError):
            network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
            owner = fcntl.ioctl(network, NS_GET_USERNS)
            if os.fstat(owner).st_ino != os.stat(f"/proc/{pid}/ns/user").st_ino:
                return network, owner
            os.close(network)
            os.close(owner)
        time.sleep(BETWEEN_S)
    raise RefusedError("bubblewrap does not come to the end of its mounts")


def _limit(pid: int, name: str, value: int) -> None:
    """Never above the hard limit that was inherited: that would need a privilege."""
    kind = getattr(resource, f"RLIMIT_{name}")
    _, hard = resource.prlimit(pid, kind)
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.prlimit(pid, kind, (bound, bound))


def _set_kernel_limit(name: str, value: int) -> None:
    try:
        limit = os.open(f"/proc/sys/user/{name}", os.O_WRONLY)
    except FileNotFoundError:
        return
    os.write(limit, str(value).encode())


def _enter(libc: ctypes.CDLL, descriptor: int, kind: int, name: str) -> None:
    if libc.setns(descriptor, kind) != 0:
        raise RefusedError(f"the {name} namespace of the box cannot be entered: {os.strerror(ctypes.get_errno())}")


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(BACKLOG)
    return listener


if __name__ == "__main__":
    sys.exit(main())
