"""Bash parsed by shfmt, a process for each text. Some wait on their standard input already: that hides the time of a start."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import sysconfig
from collections import OrderedDict, deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import IO, Any, Final, cast

from ringfence.errors import UnavailableError
from ringfence.ports.shell_parser import NotShell

_NAME: Final = "shfmt.exe" if sys.platform == "win32" else "shfmt"
_ARGUMENTS: Final = ("--to-json", "--language-dialect", "bash", "--filename", "text")
_MOST_BYTES: Final = 64 * 1024 * 1024
_MOST_ERRORS: Final = 65_536
_MOST_WHY: Final = 300
_LAST_S: Final = 1.0
"""For a process that has nothing to read any more to end by itself."""


def find_shfmt() -> str:
    """Where the program is that the package shfmt-py brings. Raises UnavailableError."""
    folders = [Path(sysconfig.get_path("scripts")), Path(sys.prefix) / "bin", Path(sys.executable).parent]
    with contextlib.suppress(metadata.PackageNotFoundError):
        folders += [Path(str(one.locate())).parent for one in metadata.files("shfmt-py") or () if one.name == _NAME]
    for folder in folders:
        if (folder / _NAME).is_file():
            return str(folder / _NAME)
    found = shutil.which(_NAME)
    if found is None:
        message = "the program shfmt is not here"
        raise UnavailableError(message, remedy="install the package shfmt-py beside ringfence")
    return found


class ShfmtParser:
    """`ShellParser` by shfmt. At most `at_once` texts at one time, each within `deadline` seconds; `close` ends what waits."""

    def __init__(
        self, *, program: str | None = None, deadline: float = 2.0, at_once: int = 4, ready: int = 2, kept: int = 256
    ) -> None:
        self._program = program or find_shfmt()
        self._deadline = deadline
        self._room = asyncio.Semaphore(at_once)
        self._ready = ready
        self._waiting: deque[_Process] = deque()
        self._threads = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="shfmt")
        self._kept: OrderedDict[str, Mapping[str, Any] | NotShell] = OrderedDict()
        self._most_kept = kept
        self._is_closed = False

    async def parse(self, text: str) -> Mapping[str, Any] | NotShell:
        if text in self._kept:
            self._kept.move_to_end(text)
            return self._kept[text]
        if self._is_closed:
            message = "the parser of shell text is closed"
            raise UnavailableError(message)
        async with self._room:
            made = await self._asked(text.encode("utf-8", "replace"))
        if len(text) <= 20_000:
            self._kept[text] = made
            while len(self._kept) > self._most_kept:
                self._kept.popitem(last=False)
        return made

    async def close(self) -> None:
        """End every process that waits. Safe to call twice."""
        self._is_closed = True
        while self._waiting:
            self._waiting.popleft().end()
        self._threads.shutdown(wait=False)

    async def _asked(self, text: bytes) -> Mapping[str, Any] | NotShell:
        process = self._taken()
        answer = asyncio.get_running_loop().run_in_executor(self._threads, process.ask, text)
        # The next one starts up while this one works.
        self._fill()
        try:
            async with asyncio.timeout(self._deadline):
                code, out, err = await asyncio.shield(answer)
        except TimeoutError as error:
            message = "shfmt did not answer in time"
            raise UnavailableError(message) from error
        except OSError as error:
            message = "shfmt did not answer"
            raise UnavailableError(message) from error
        finally:
            if not answer.done():
                # Its thread comes back at once, and reaps it.
                process.kill()
                await asyncio.wait({answer})
        if len(out) > _MOST_BYTES:
            message = "shfmt writes more than is read"
            raise UnavailableError(message)
        if code < 0:
            message = "shfmt was ended"
            raise UnavailableError(message)
        if code != 0:
            return NotShell(_why(err))
        return _read(out)

    def _taken(self) -> _Process:
        while self._waiting:
            process = self._waiting.popleft()
            if process.is_there:
                return process
            process.end()
        return _Process(self._program)

    def _fill(self) -> None:
        while len(self._waiting) < self._ready and not self._is_closed:
            try:
                self._waiting.append(_Process(self._program))
            except UnavailableError:
                return


class _Process:
    """One process that waits for a text. Raises UnavailableError where it cannot be started.

    Not by the event loop: uvloop forks, which copies the page tables of the whole gateway, some 4 ms; this way takes 0.1 ms.
    """

    def __init__(self, program: str) -> None:
        try:
            self._popen = subprocess.Popen(
                [program, *_ARGUMENTS],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env={"PATH": "", "GOMAXPROCS": "1"},
                start_new_session=True,
            )
        except OSError as error:
            message = f"shfmt cannot be started: {error.strerror}"
            raise UnavailableError(message, remedy="install the package shfmt-py beside ringfence") from error

    @property
    def is_there(self) -> bool:
        return self._popen.poll() is None

    def ask(self, text: bytes) -> tuple[int, bytes, bytes]:
        """Give it the text and wait for its end: its code and what it wrote, to a bound. Blocks."""
        stdin, stdout, stderr = self._pipes
        try:
            # It reads all of its input before it writes.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                stdin.write(text)
                stdin.flush()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                stdin.close()
            out = stdout.read(_MOST_BYTES + 1)
            err = stderr.read(_MOST_ERRORS)
        finally:
            self.end()
        return self._popen.returncode, out, err

    def kill(self) -> None:
        """End what `ask` waits for."""
        self._popen.kill()

    def end(self) -> None:
        """Let it end if it has written all, else kill it; reap it."""
        stdin, stdout, stderr = self._pipes
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            stdin.close()
        stdout.close()
        stderr.close()
        try:
            self._popen.wait(_LAST_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    @property
    def _pipes(self) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
        popen = self._popen
        return cast("IO[bytes]", popen.stdin), cast("IO[bytes]", popen.stdout), cast("IO[bytes]", popen.stderr)


def _read(out: bytes) -> Mapping[str, Any] | NotShell:
    try:
        tree: object = json.loads(out)
    except RecursionError:
        return NotShell("nested too deep to be read")
    except ValueError as error:
        message = "shfmt's answer cannot be read"
        raise UnavailableError(message) from error
    if not isinstance(tree, dict):
        message = "shfmt's answer is no tree"
        raise UnavailableError(message)
    return cast("Mapping[str, Any]", tree)


def _why(err: bytes) -> str:
    first = err.decode("utf-8", "replace").strip().splitlines()
    return (first[0] if first else "shfmt refuses it")[:_MOST_WHY]
