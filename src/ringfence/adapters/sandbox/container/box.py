"""One container: made, let go, watched, stopped, ended."""

from __future__ import annotations

import asyncio
import os
import subprocess
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from ringfence.adapters.sandbox.container.engine_client import asked, client_environment
from ringfence.adapters.sandbox.descriptors import gone
from ringfence.core.model.box import Layer
from ringfence.errors import UnavailableError
from ringfence.ports.sandbox import BoxEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A container that has not begun."""

    program: str
    name: str
    stdio: tuple[int, int, int]
    wall_clock_s: float
    layers: frozenset[Layer]
    held: ExitStack


class ContainerBox:
    """Implements `ringfence.ports.sandbox.Box`. The engine holds the container, not we (docs/sandbox.md)."""

    def __init__(self, made: Made) -> None:
        self._made = made
        self._client: subprocess.Popen[bytes] | None = None
        self._why = ""
        self._begun = asyncio.Event()
        self._stopping: set[asyncio.Task[None]] = set()
        self._clock: asyncio.TimerHandle | None = None
        self._ended = asyncio.get_running_loop().create_task(self._watch())
        self._closed = False

    @property
    def pid(self) -> int:
        """Of the client that is attached to it; 0 before it begins. The engine knows the container's own."""
        return self._client.pid if self._client is not None else 0

    @property
    def listener(self) -> int | None:
        return None

    @property
    def layers(self) -> frozenset[Layer]:
        return self._made.layers

    @property
    def left(self) -> None:
        return None

    def release(self) -> None:
        if self._begun.is_set():
            return
        stdin, stdout, stderr = self._made.stdio
        self._client = subprocess.Popen(
            [self._made.program, "start", "--attach", "--interactive", self._made.name],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=client_environment(),
            cwd="/",
            start_new_session=True,
        )
        self._clock = asyncio.get_running_loop().call_later(self._made.wall_clock_s, self._time_is_up)
        self._begun.set()

    async def wait(self) -> BoxEnd:
        return await asyncio.shield(self._ended)

    async def kill(self, why: str = "killed") -> None:
        if not self._ended.done():
            self._why = self._why or why
            await self._remove()
            self._begun.set()
        await asyncio.shield(self._ended)

    async def pause(self) -> None:
        if not self._ended.done() and self._client is not None:
            await asked(self._made.program, "pause", self._made.name)

    async def resume(self) -> None:
        if not self._ended.done() and self._client is not None:
            await asked(self._made.program, "unpause", self._made.name)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self.kill()
        await self._remove()
        self._made.held.close()

    def _time_is_up(self) -> None:
        task = asyncio.get_running_loop().create_task(self.kill("wall clock"))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    async def _remove(self) -> None:
        """Removing by force kills what runs in it, paused or not."""
        await asked(self._made.program, "rm", "--force", self._made.name)

    async def _watch(self) -> BoxEnd:
        await self._begun.wait()
        if self._client is None:
            return BoxEnd(code=137, why=self._why)
        pidfd = os.pidfd_open(self._client.pid)
        try:
            await gone(pidfd)
        finally:
            os.close(pidfd)
        code = self._client.wait()
        if self._clock is not None:
            self._clock.cancel()
        if self._why:
            return BoxEnd(code=137, why=self._why)
        return BoxEnd(code=code if code >= 0 else 128 - code, why="out of memory" if code and await self._starved() else "")

    async def _starved(self) -> bool:
        with suppress(UnavailableError):
            said = await asked(self._made.program, "inspect", "--format", "{{.State.OOMKilled}}", self._made.name)
            return said.strip() == "true"
        return False
