"""Gateways out of a process that has loaded them already (`preloaded.py`), with the methods of asyncio's own `Process`."""

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from io import FileIO
from pathlib import Path
from typing import IO

ORDINARY = (str(Path(sys.executable).with_name("ringfence")),)
CRASHING = (sys.executable, "-m", "ringfence.testing.crashing")
MAINS = {ORDINARY: "ringfence.app.cli.root", CRASHING: "ringfence.testing.crashing"}
"""Commands, and the module whose `main` each of them runs."""
ROOT = Path(__file__).parents[2]
_OF_A_TEST = frozenset({"PYTEST_CURRENT_TEST"})
"""What each test changes in the environment, and no gateway reads."""


class PreloadedProcess:
    """One forked process, as far as tests use one. `status` has its process id, and its exit code once it has ended."""

    def __init__(self, stdout: asyncio.StreamReader, status: FileIO) -> None:
        self.stdout = stdout
        self.returncode: int | None = None
        self.pid = int(status.readline())
        self._status = status
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        try:
            self._handle: int | None = os.pidfd_open(self.pid)
        except ProcessLookupError:
            self._handle = None
        self._loop.add_reader(status, self._end)

    def _end(self) -> None:
        self._loop.remove_reader(self._status)
        with self._status:
            self.returncode = int(self._status.readline())
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        if not self._ended.done():
            self._ended.set_result(self.returncode)

    async def wait(self) -> int:
        """The exit code once it has ended; negative: the signal."""
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError where it has ended."""
        if self._handle is None:
            raise ProcessLookupError(self.pid)
        signal.pidfd_send_signal(self._handle, number)


async def start(command: Sequence[str], errors: IO[bytes]) -> PreloadedProcess | None:
    """Start one of `MAINS`, with a pipe as standard output; None where it has to be executed.

    That is any other program, and any in another environment than this module was loaded in: some of it is read while modules
    are loaded.
    """
    words = tuple(command)
    beginning = next((each for each in MAINS if words[: len(each)] == each), None)
    if beginning is None or _environment() != AT_FIRST:
        return None
    output, output_of_it = os.pipe()
    status, status_of_it = os.pipe()
    umask = os.umask(0)
    os.umask(umask)
    asked = (MAINS[beginning], [beginning[-1], *words[len(beginning) :]], os.getcwd(), umask)
    try:
        socket.send_fds(_preloaded(), [json.dumps(asked).encode()], [output_of_it, errors.fileno(), status_of_it])
    finally:
        os.close(output_of_it)
        os.close(status_of_it)
    stdout = asyncio.StreamReader()
    read = os.fdopen(output, "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdout), read)
    return PreloadedProcess(stdout, FileIO(status))


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _OF_A_TEST}


AT_FIRST = _environment()


@cache
def _preloaded() -> socket.socket:
    """The process that is forked from, as long as this one lives."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.servers.preloaded", str(its.fileno())]
    process = subprocess.Popen(
        command, cwd=ROOT, env=AT_FIRST, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    its.close()
    atexit.register(_end, ours, process)
    return ours


def _end(ours: socket.socket, process: subprocess.Popen[bytes]) -> None:
    ours.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
        return
    process.kill()
    process.wait()
