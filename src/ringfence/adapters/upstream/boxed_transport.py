"""A process in a box, to be spoken to like any child process: what asyncio tells of one is told of the other."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from typing import Any, TypeVar

from ringfence.adapters.upstream.options import StdioOptions
from ringfence.errors import UnavailableError
from ringfence.ports.sandbox import Box
from ringfence.ports.server_box import ServerBoxes

P = TypeVar("P", bound=asyncio.SubprocessProtocol)
EXIT_S = 0.2
FOR_ANY_USER = 0o666
"""A box has a user of its own, who may open its pipes again by name (`/dev/stderr`)."""


class _Reading(asyncio.Protocol):
    def __init__(self, fd: int, process: asyncio.SubprocessProtocol, over: asyncio.Event) -> None:
        self._fd = fd
        self._process = process
        self._over = over

    def data_received(self, data: bytes) -> None:
        self._process.pipe_data_received(self._fd, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._over.set()
        self._process.pipe_connection_lost(self._fd, exc)


class _Writing(asyncio.Protocol):
    def __init__(self, process: asyncio.SubprocessProtocol) -> None:
        self._process = process

    def connection_lost(self, exc: Exception | None) -> None:
        self._process.pipe_connection_lost(0, exc)

    def pause_writing(self) -> None:
        self._process.pause_writing()

    def resume_writing(self) -> None:
        self._process.resume_writing()


class BoxedTransport(asyncio.SubprocessTransport):
    """What `Process` asks of a transport. Any signal ends the whole box: its first process hears no other from outside."""

    def __init__(
        self,
        box: Box,
        process: asyncio.SubprocessProtocol,
        pipes: Mapping[int, asyncio.BaseTransport],
        over: asyncio.Event,
    ) -> None:
        """`over`: it has closed its output, which most do by ending."""
        super().__init__()
        self._over = over
        self._box = box
        self._process = process
        self._pipes = pipes
        self._tasks: set[asyncio.Task[Any]] = set()
        process.connection_made(self)
        box.release()
        self._begin(self._watch())

    def get_pid(self) -> int:
        return self._box.pid

    def get_pipe_transport(self, fd: int) -> asyncio.BaseTransport | None:
        return self._pipes.get(fd)

    def send_signal(self, signal: int) -> None:
        self._begin(self._end())

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        for pipe in self._pipes.values():
            pipe.close()
        self.kill()

    async def _watch(self) -> None:
        """Told only when nothing of the box is left, so that whoever waits for the process waits for the box."""
        try:
            await self._box.wait()
        finally:
            await self._box.close()
            self._process.process_exited()

    async def _end(self) -> None:
        if self._over.is_set():
            # It is about to end by itself, most likely: then its own exit code is the one to record.
            with suppress(TimeoutError):
                async with asyncio.timeout(EXIT_S):
                    await self._box.wait()
        await self._box.kill("stopped")

    def _begin(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def spawn_in_box(boxes: ServerBoxes, options: StdioOptions, environment: Mapping[str, str], make: Callable[[], P]) -> P:
    """Start the server's command in a box of its own. Raises UnavailableError."""
    loop = asyncio.get_running_loop()
    with ExitStack() as ours, ExitStack() as theirs:
        stdin, to_server = _pipe(theirs, ours)
        from_server, stdout = _pipe(ours, theirs)
        errors, stderr = _pipe(ours, theirs)
        box = await boxes.start(options.principal, environment, (stdin, stdout, stderr))
        process, pipes, over = make(), dict[int, asyncio.BaseTransport](), asyncio.Event()
        try:
            ends = [
                os.fdopen(descriptor, mode, buffering=0)
                for descriptor, mode in ((to_server, "wb"), (from_server, "rb"), (errors, "rb"))
            ]
            ours.pop_all()
            pipes[0], _ = await loop.connect_write_pipe(lambda: _Writing(process), ends[0])
            pipes[1], _ = await loop.connect_read_pipe(lambda: _Reading(1, process, over), ends[1])
            pipes[2], _ = await loop.connect_read_pipe(lambda: _Reading(2, process, asyncio.Event()), ends[2])
            BoxedTransport(box, process, pipes, over)
        except BaseException as error:
            for pipe in pipes.values():
                pipe.close()
            await box.close()
            if isinstance(error, OSError):
                raise UnavailableError(f"its box cannot be spoken to: {error}") from error
            raise
    return process


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[int, int]:
    read, write = os.pipe()
    os.fchmod(read, FOR_ANY_USER)
    reader.callback(os.close, read)
    writer.callback(os.close, write)
    return read, write
