"""Starts bubblewrap, stopped before the command, with an empty environment and no descriptor but those that it is told of.

No Python runs between fork and exec: limits, listener and cgroup are set from outside while the box waits on its block
descriptor. Bubblewrap is in a session of its own: Ctrl-C at the terminal is the supervisor's to handle.

The block descriptor is a datagram socket, because of its end: a pipe whose writer dies reads as "go", and a supervisor killed
between start and release would let the command go without its limits; a datagram socket stays silent.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ringfence.adapters.sandbox.bubblewrap.argv import Descriptors
from ringfence.adapters.sandbox.descriptors import in_memory, read_to_end
from ringfence.adapters.sandbox.names import PREFIX
from ringfence.errors import UnavailableError

LARGEST_INFO = 16_384
INFO_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawn:
    """How bubblewrap is executed."""

    bwrap: Path
    tag: str
    user: int | None
    """The uid to run as; None: ours."""
    group: int | None
    filter: bytes
    files: Mapping[str, bytes]
    flags: Callable[[Descriptors], list[str]]
    command: Sequence[str]
    stdio: tuple[int, int, int]
    passed: Sequence[int] = ()
    """Descriptors that the command's first stage has besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawned:
    """Bubblewrap, its first process in the box, and what lets the command go."""

    process: subprocess.Popen[bytes]
    init: int
    gate: socket.socket


async def spawn(wanted: Spawn) -> Spawned:
    """Raises UnavailableError where no box comes of it."""
    if threading.current_thread() is not threading.main_thread():
        raise UnavailableError(
            "boxes are started from the main thread only",
            remedy="the kernel ends a box with the thread that started it (PR_SET_PDEATHSIG): run the loop in the main thread",
        )
    with ExitStack() as handed, ExitStack() as kept:
        process, info, gate = _executed(wanted, handed, kept)
        kept.pop_all()
    try:
        told = await read_to_end(info, LARGEST_INFO, INFO_WITHIN_S)
        return Spawned(process=process, init=int(json.loads(told)["child-pid"]), gate=gate)
    except (ValueError, KeyError, TimeoutError) as error:
        process.kill()
        gate.close()
        code = process.wait()
        raise UnavailableError(f"bubblewrap made no box (it ended with {code})", remedy="ringfence doctor sandbox") from error
    except BaseException:
        process.kill()
        gate.close()
        process.wait()
        raise
    finally:
        os.close(info)


def _written(flags: Sequence[str]) -> bytes:
    """As `--args` reads them, ended by NUL. One inside of a value would begin another option."""
    if any("\0" in flag for flag in flags):
        raise UnavailableError("no path and no variable of a box may hold a NUL character")
    return b"".join(os.fsencode(flag) + b"\0" for flag in flags)


def _executed(wanted: Spawn, handed: ExitStack, kept: ExitStack) -> tuple[subprocess.Popen[bytes], int, socket.socket]:
    def held(descriptor: int) -> int:
        handed.callback(os.close, descriptor)
        return descriptor

    info, told = os.pipe2(os.O_CLOEXEC)
    held(told)
    kept.callback(os.close, info)
    gate, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    handed.enter_context(theirs)
    kept.enter_context(gate)
    descriptors = Descriptors(
        seccomp=held(in_memory("filter", wanted.filter)),
        info=told,
        block=theirs.fileno(),
        files={path: held(in_memory("file", data)) for path, data in wanted.files.items()},
    )
    flags = held(in_memory("flags", _written(wanted.flags(descriptors))))
    passed = (flags, told, theirs.fileno(), descriptors.seccomp, *descriptors.files.values(), *wanted.passed)
    stdin, stdout, stderr = wanted.stdio
    try:
        process = subprocess.Popen(
            [PREFIX + wanted.tag, "--args", str(flags), "--", *wanted.command],
            executable=wanted.bwrap,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env={},
            cwd="/",
            start_new_session=True,
            pass_fds=passed,
            user=wanted.user,
            group=wanted.group,
            extra_groups=None if wanted.user is None else [],
        )
    except (OSError, ValueError) as error:
        raise UnavailableError(f"{wanted.bwrap} cannot be executed: {error}", remedy="apt-get install bubblewrap") from error
    return process, info, gate
