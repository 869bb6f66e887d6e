"""Our end of the visitor: asks for a visit to the namespaces of a box, and gets its listener."""

from __future__ import annotations

import asyncio
import marshal
import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ringfence.adapters.sandbox.descriptors import readable
from ringfence.errors import UnavailableError

PROGRAM = Path(__file__).with_name("visitor.py")
WITHIN_S = 20.0
MARSHAL = 2
LARGEST_ANSWER = 65_536


@dataclass(frozen=True, slots=True)
class Given:
    """A file system of another box that this one gets."""

    mount: int
    place: str
    writable: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a visit came back with. Whoever asked closes it."""

    listener: socket.socket | None = None
    mount: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What is to be done in a box whose command has not begun."""

    pid: int
    user: int | None
    """The uid that the box was made under, where that is not ours."""
    group: int | None
    port: int | None
    """Where to listen, on 127.0.0.1 of the box's network."""
    limits: Mapping[str, int] = field(default_factory=dict[str, int])
    """Name of an rlimit, without `RLIMIT_`, to its value."""
    kernel: Mapping[str, int] = field(default_factory=dict[str, int])
    """File below `/proc/sys/user` to its value."""
    mounts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Mount point in the box to options that are set on it."""
    mounted: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """Path in the box to the device and inode that have to be there."""
    keeps: str = ""
    """Mount point whose file system is to outlive the box; empty: none."""
    given: Given | None = None


class Visits:
    """One visitor, begun when it is first needed. One visit at a time: each is a few milliseconds."""

    def __init__(self, python: Path) -> None:
        self._python = python
        self._lock = asyncio.Lock()
        self._visitor: subprocess.Popen[bytes] | None = None
        self._door: socket.socket | None = None

    def begin(self) -> None:
        """Start the visitor, so that it is ready when the box is."""
        if self._door is not None:
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._visitor = subprocess.Popen(
                [str(self._python), "-I", "-S", str(PROGRAM)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        ours.setblocking(False)
        self._door = ours

    async def make(self, visit: Visit) -> Found:
        """The listener, where a port was asked for, and what is kept, where the kernel can (Linux 5.2).

        Raises UnavailableError with the step that was refused.
        """
        async with self._lock:
            self.begin()
            assert self._door is not None
            try:
                return await _asked(self._door, visit)
            except OSError as error:
                self.close()
                raise UnavailableError("the process that sets up boxes died") from error
            except (TimeoutError, asyncio.CancelledError):
                self.close()
                raise

    def close(self) -> None:
        """The visitor goes first: one that sees the door closed ends the boxes."""
        if self._visitor is not None:
            self._visitor.kill()
            self._visitor.wait()
        if self._door is not None:
            self._door.close()
        self._door = self._visitor = None


async def _asked(door: socket.socket, visit: Visit) -> Found:
    request = {
        "pid": visit.pid,
        "uid": visit.user,
        "gid": visit.group,
        "port": visit.port,
        "limits": dict(visit.limits),
        "kernel": dict(visit.kernel),
        "mounts": dict(visit.mounts),
        "mounted": dict(visit.mounted),
        "keeps": visit.keeps,
        "given": {"place": visit.given.place, "writable": visit.given.writable} if visit.given is not None else None,
    }
    socket.send_fds(door, [marshal.dumps(request, MARSHAL)], [visit.given.mount] if visit.given is not None else [])
    if not await readable(door.fileno(), WITHIN_S):
        raise OSError("no answer")
    data, passed, _, _ = socket.recv_fds(door, LARGEST_ANSWER, 2, socket.MSG_CMSG_CLOEXEC)
    answer = marshal.loads(data) if data else {"ok": False, "why": "it died"}
    listener = socket.socket(fileno=passed.pop(0)) if passed and visit.port is not None else None
    found = Found(listener, passed.pop(0) if passed else None)
    if not answer["ok"] or (visit.port is not None and listener is None):
        _closed(found)
        raise UnavailableError(f"the box cannot be set up: {answer.get('why', 'no listener')}")
    if listener is not None:
        listener.setblocking(False)
    return found


def _closed(found: Found) -> None:
    if found.listener is not None:
        found.listener.close()
    if found.mount is not None:
        os.close(found.mount)
