"""Standard streams of a box that are files of the host: a process outside copies them, and the box gets a pipe.

Whoever holds a descriptor can open its file anew at `/proc/self/fd` (proc(5)): for writing what was given for reading, from the
beginning what was given for appending. No mount of the box stands before that, because the file is the host's. Pipes, sockets
and terminals give nothing more than they gave before.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import stat
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from ringfence.adapters.sandbox.descriptors import gone
from ringfence.core.model.box import BoxLimits
from ringfence.errors import UnavailableError

CAT = "/bin/cat"
DRAIN_S = 5.0
"""How long what a box has written may take to reach its file when the box has ended."""
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """What a box gets in the place of its plan's three."""

    given: tuple[int, int, int]
    writing: Sequence[int] = ()
    """Process descriptors of those that write to files: each ends when nobody in the box can write any more."""

    async def drained(self) -> None:
        """Until everything that the box has written is in its files."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                for descriptor in self.writing:
                    await gone(descriptor)


def streams_for(stdio: tuple[int, int, int], limits: BoxLimits, *, held: ExitStack, handed: ExitStack) -> Streams:
    """`held` lasts as long as the box, `handed` until bubblewrap has its own copies of the descriptors.

    Raises UnavailableError where a stream cannot be had.
    """
    try:
        stdin = stdio[0] if _is_safe(stdio[0]) else _read_for_it(stdio[0], held, handed)
        outputs: list[int] = []
        writing: list[int] = []
        pipes: dict[tuple[int, ...], int] = {}
        for descriptor in stdio[1:]:
            if _is_safe(descriptor):
                outputs.append(descriptor)
                continue
            known = _identity(descriptor)
            if known not in pipes:
                pipes[known], process = _written_for_it(descriptor, limits, held, handed)
                writing.append(process)
            outputs.append(pipes[known])
    except OSError as error:
        raise UnavailableError(f"a stream of the box cannot be copied: {error}", remedy=f"is {CAT} there?") from error
    return Streams(given=(stdin, outputs[0], outputs[1]), writing=writing)


def _is_safe(descriptor: int) -> bool:
    """A device is a terminal or the like: opened anew it is the same. A folder would lead to every other."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)


def _identity(descriptor: int) -> tuple[int, ...]:
    """`2>&1` stays one stream, so what is written to both keeps its order."""
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino, fcntl.fcntl(descriptor, fcntl.F_GETFL)


def _read_for_it(source: int, held: ExitStack, handed: ExitStack) -> int:
    theirs, ours = os.pipe()
    handed.callback(os.close, theirs)
    try:
        _copying(source, ours, held)
    finally:
        os.close(ours)
    return theirs


def _written_for_it(target: int, limits: BoxLimits, held: ExitStack, handed: ExitStack) -> tuple[int, int]:
    ours, theirs = os.pipe()
    handed.callback(os.close, theirs)
    try:
        process = _copying(ours, target, held)
    finally:
        os.close(ours)
    # As when the box had the file itself. The copier has nothing to read before the box begins.
    resource.prlimit(process, resource.RLIMIT_FSIZE, (limits.file_mib * MIB, limits.file_mib * MIB))
    watched = os.pidfd_open(process)
    held.callback(os.close, watched)
    return theirs, watched


def _copying(source: int, target: int, held: ExitStack) -> int:
    """In a session of its own: Ctrl-C ends the box, and what it wrote before is still written."""
    process = subprocess.Popen(
        [CAT], stdin=source, stdout=target, stderr=subprocess.DEVNULL, env={}, cwd="/", start_new_session=True
    )
    held.callback(process.wait)
    held.callback(process.kill)
    return process.pid
