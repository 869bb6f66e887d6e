"""Bash parsed by shfmt, a process for each text. Some wait on their standard input already: that hides the time of a start."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import sysconfig
from collections import OrderedDict, deque
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final, cast

from ringfence.errors import UnavailableError
from ringfence.ports.shell_parser import NotShell

_NAME: Final = "shfmt.exe" if sys.platform == "win32" else "shfmt"
_ARGUMENTS: Final = ("--to-json", "--language-dialect", "bash", "--filename", "text")
_MOST_BYTES: Final = 64 * 1024 * 1024
_MOST_WHY: Final = 300


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
        self._waiting: deque[asyncio.subprocess.Process] = deque()
        self._filling: asyncio.Task[None] | None = None
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
        if self._filling is not None:
            self._filling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._filling
            self._filling = None
        while self._waiting:
            await _end(self._waiting.popleft())

    async def _asked(self, text: bytes) -> Mapping[str, Any] | NotShell:
        process = await self._taken()
        self._fill()
        try:
            async with asyncio.timeout(self._deadline):
                out, err = await _exchanged(process, text)
                code = await process.wait()
        except TimeoutError as error:
            message = "shfmt did not answer in time"
            raise UnavailableError(message) from error
        except (OSError, asyncio.LimitOverrunError) as error:
            message = "shfmt did not answer"
            raise UnavailableError(message) from error
        finally:
            await _end(process)
        if code < 0:
            message = "shfmt was ended"
            raise UnavailableError(message)
        if code != 0:
            return NotShell(_why(err))
        return _read(out)

    async def _taken(self) -> asyncio.subprocess.Process:
        while self._waiting:
            process = self._waiting.popleft()
            if process.returncode is None:
                return process
            await _end(process)
        return await self._started()

    async def _started(self) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                self._program,
                *_ARGUMENTS,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd="/",
                env={"PATH": "", "GOMAXPROCS": "1"},
                start_new_session=True,
            )
        except OSError as error:
            message = f"shfmt cannot be started: {error.strerror}"
            raise UnavailableError(message, remedy="install the package shfmt-py beside ringfence") from error

    def _fill(self) -> None:
        if self._filling is None or self._filling.done():
            self._filling = asyncio.get_running_loop().create_task(self._filled())

    async def _filled(self) -> None:
        while len(self._waiting) < self._ready and not self._is_closed:
            with contextlib.suppress(UnavailableError):
                self._waiting.append(await self._started())
                continue
            return


async def _exchanged(process: asyncio.subprocess.Process, text: bytes) -> tuple[bytes, bytes]:
    out, err, _ = await asyncio.gather(_all(process.stdout, _MOST_BYTES), _all(process.stderr, 65_536), _written(process, text))
    return out, err


async def _written(process: asyncio.subprocess.Process, text: bytes) -> None:
    stdin = process.stdin
    if stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(text)
        await stdin.drain()
    stdin.close()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await stdin.wait_closed()


async def _all(stream: asyncio.StreamReader | None, most: int) -> bytes:
    made = bytearray()
    while stream is not None and (piece := await stream.read(65_536)):
        made += piece
        if len(made) > most:
            message = "shfmt writes more than is read"
            raise UnavailableError(message)
    return bytes(made)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Killed if it still runs, and reaped."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.stdin is not None and not process.stdin.is_closing():
        process.stdin.close()
    await process.wait()
    transport = cast("Any", process)._transport
    transport.close()


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
