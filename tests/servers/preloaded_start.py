"""Programs out of a process that has loaded them already (`preloaded.py`), with the methods of asyncio's own `Process`."""

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
ROOT = Path(__file__).parents[2]
CLIENT = (sys.executable, str(ROOT / "tests/clients/python2/driver.py"))
_UP = ("ringfence.app.cli.root", "ringfence.app.cli.desk", "ringfence.app.cli.places", "ringfence.app.wiring.compose")
_MCP = ("mcp", "mcp.client.streamable_http", "mcp.shared._httpx_utils", "mcp_types.version")
PROGRAMS = {
    ORDINARY: ("ringfence.app.cli.root", _UP),
    CRASHING: ("ringfence.testing.crashing", _UP),
    CLIENT: (CLIENT[-1], _MCP),
}
"""Commands; the module whose `main` each of them runs, or its script; and what is loaded before."""
_OF_A_TEST = frozenset({"PYTEST_CURRENT_TEST"})
"""What each test changes in the environment, and no gateway reads."""


class PreloadedProcess:
    """One forked process, as far as tests use one. `status` has its process id, and its exit code once it has ended."""

    def __init__(self, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader | None, status: FileIO) -> None:
        self.stdout = stdout
        self.stderr = stderr
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

    async def communicate(self) -> tuple[bytes, bytes]:
        """All that it wrote, once it has ended."""
        errors = self.stderr.read() if self.stderr is not None else asyncio.sleep(0, b"")
        said = await asyncio.gather(self.stdout.read(), errors)
        await self.wait()
        return said

    def kill(self) -> None:
        """SIGKILL. Raises ProcessLookupError where it has ended."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError where it has ended."""
        if self._handle is None:
            raise ProcessLookupError(self.pid)
        signal.pidfd_send_signal(self._handle, number)


async def start(command: Sequence[str], errors: IO[bytes] | None = None) -> PreloadedProcess | None:
    """Start one of `PROGRAMS`, with a pipe as standard output; None where it has to be executed.

    That is any other program, and any in another environment than this module was loaded in: some of it is read while modules
    are loaded.

    Args:
        command: The whole command line.
        errors: Where its standard error goes; without it, into a pipe.
    """
    words = tuple(command)
    beginning = next((each for each in PROGRAMS if words[: len(each)] == each), None)
    if beginning is None or _environment() != AT_FIRST:
        return None
    program, loaded = PROGRAMS[beginning]
    umask = os.umask(0)
    os.umask(umask)
    asked = json.dumps((program, [beginning[-1], *words[len(beginning) :]], os.getcwd(), umask)).encode()
    pipes = [os.pipe() for _ in range(3 if errors is None else 2)]
    (output, output_of_it), (status, status_of_it) = pipes[:2]
    errors_of_it = pipes[2][1] if errors is None else errors.fileno()
    try:
        socket.send_fds(_preloaded(loaded), [asked], [output_of_it, errors_of_it, status_of_it])
    finally:
        for _, of_it in pipes:
            os.close(of_it)
    stdout = await _reader(output)
    stderr = await _reader(pipes[2][0]) if errors is None else None
    return PreloadedProcess(stdout, stderr, FileIO(status))


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader, pipe = asyncio.StreamReader(), os.fdopen(descriptor, "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _OF_A_TEST}


AT_FIRST = _environment()


@cache
def _preloaded(modules: tuple[str, ...]) -> socket.socket:
    """The process that is forked from, as long as this one lives."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.servers.preloaded", str(its.fileno()), *modules]
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
