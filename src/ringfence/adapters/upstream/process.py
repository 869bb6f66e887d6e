"""A child process that speaks in lines: started with nothing of ours, watched, and stopped with its whole group."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import cast

from ringfence.adapters.upstream.boxed_transport import spawn_in_box
from ringfence.adapters.upstream.last_words import last_lines
from ringfence.adapters.upstream.options import MINIMAL_PATH, StdioOptions
from ringfence.adapters.wire.lines import LineSplitter
from ringfence.errors import RequestError, UnavailableError

STDIN, STDOUT, STDERR = 0, 1, 2
EXIT_GRACE_S = 0.2


class Process(asyncio.SubprocessProtocol):
    """One server process. `on_line` gets each line of stdout; `on_end` is called once, when no further line can come."""

    def __init__(self, options: StdioOptions, on_line: Callable[[bytes], None], on_end: Callable[[str], None]) -> None:
        self._options = options
        self._on_line = on_line
        self._on_end = on_end
        self._lines = LineSplitter(options.max_line)
        self._stderr = bytearray()
        self._stderr_is_cut = False
        self._exited = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._written = 0
        self._pid = 0
        self._killed = False
        self.ended = False

    @classmethod
    async def spawn(cls, options: StdioOptions, on_line: Callable[[bytes], None], on_end: Callable[[str], None]) -> "Process":
        """Start the server in its own session, with no descriptor but its three pipes. Raises UnavailableError."""
        given = await options.late_env.read() if options.late_env is not None else {}

        def make() -> Process:
            return cls(replace(options, hidden=options.hidden | frozenset(given.values())), on_line, on_end)

        if options.box is not None:
            return await spawn_in_box(options.box, options, {**options.env, **given}, make)
        environment = {"PATH": MINIMAL_PATH, **options.env, **given}
        command = shutil.which(options.command, path=environment["PATH"])
        if command is None:
            raise UnavailableError(f"the command {options.command} is not found", remedy="give its absolute path")
        try:
            _, process = await asyncio.get_running_loop().subprocess_exec(
                make,
                command,
                *options.args,
                env=environment,
                cwd=options.cwd,
                start_new_session=True,
                close_fds=True,
            )
        except (OSError, ValueError) as error:
            raise UnavailableError(f"the command {options.command} cannot be started: {error}") from error
        return process

    # --- what asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._pid = self._transport.get_pid()
        self._stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(STDIN))
        # A process that has ended by now has closed it: `process_exited` tells of that.
        if not self._stdin.is_closing():
            # Zero: writable means that every byte written before has left.
            self._stdin.set_write_buffer_limits(high=0)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == STDERR:
            self._stderr += data
            if len(self._stderr) > self._options.max_stderr:
                self._stderr_is_cut = True
                del self._stderr[: -self._options.max_stderr]
        elif not self.ended:
            try:
                lines = self._lines.feed(data)
            except RequestError as error:
                self.kill(str(error))
                return
            for line in lines:
                if not self.ended:
                    self._on_line(line)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == STDOUT:
            self.kill("the server process closed its output")
        elif fd == STDIN:
            self._writable.set()

    def process_exited(self) -> None:
        self._exited.set()
        # What it wrote last may still be in the pipe; a child of it may hold that pipe open for ever.
        asyncio.get_running_loop().call_later(EXIT_GRACE_S, self.kill, "the server process ended")

    def connection_lost(self, exc: Exception | None) -> None:
        self.kill("the server process ended")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # --- writing

    async def writable(self) -> None:
        """Return when every byte written before has left, or none can leave any more."""
        await self._writable.wait()

    @property
    def is_writable(self) -> bool:
        return self._writable.is_set()

    @property
    def can_write(self) -> bool:
        return not self.ended and self._stdin is not None and not self._stdin.is_closing()

    def write(self, line: bytes) -> int:
        """Give one line to the pipe, at once. Returns its mark, for `has_left`."""
        if self._stdin is None:
            return 0
        self._stdin.write(line + b"\n")
        self._written += len(line) + 1
        return self._written

    def has_left(self, mark: int) -> bool:
        """Whether everything up to a mark is in the server's hands."""
        return self._stdin is None or self._written - self._stdin.get_write_buffer_size() >= mark

    # --- the end

    @property
    def stderr(self) -> tuple[str, ...]:
        """The last lines of what the server wrote to stderr: untrusted text, for operators only."""
        return last_lines(bytes(self._stderr), self._options.hidden, redact=self._options.redact, is_cut=self._stderr_is_cut)

    def kill(self, why: str) -> None:
        """End the whole group at once; nothing more is read or written."""
        self._end(why)
        # Once only: later the number of the group may belong to somebody else.
        if not self._killed:
            self._killed = True
            self._signal(signal.SIGKILL)
            self._close_pipe(STDIN)
            self._close_pipe(STDOUT)
            # A little later: its last words, and its exit, are still to be read.
            asyncio.get_running_loop().call_later(EXIT_GRACE_S, self._let_go)

    def _close_pipe(self, fd: int) -> None:
        pipe = self._transport.get_pipe_transport(fd) if self._transport else None
        if pipe is not None:
            pipe.close()

    def _let_go(self) -> None:
        """A child that left the group may hold the pipes for ever; we do not."""
        if self._transport is not None:
            self._transport.close()

    async def stop(self) -> None:
        """Close stdin, wait, SIGTERM the group, wait, SIGKILL the group (MCP 2025-11-25, basic/lifecycle)."""
        try:
            if self._stdin is not None:
                self._stdin.close()
            if not await self.gone() and not self._killed:
                self._signal(signal.SIGTERM)
                await self.gone()
        finally:
            # Also where the leader went by itself: its children may still be there.
            self.kill("the server process was stopped")
        await self.gone()
        self._let_go()

    async def gone(self) -> bool:
        """Wait a while for the process to exit. False: it is still there."""
        try:
            async with asyncio.timeout(self._options.stop_s):
                await self._exited.wait()
        except TimeoutError:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        if self._options.box is not None and self._transport is not None:
            self._transport.send_signal(number)
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, number)

    def _end(self, why: str) -> None:
        if not self.ended:
            self.ended = True
            self._writable.set()
            self._on_end(why)
