"""One box: let go, watched, stopped, ended."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from socket import socket

from ringfence.adapters.sandbox.bubblewrap import stopping
from ringfence.adapters.sandbox.bubblewrap.cgroups import BoxGroup
from ringfence.adapters.sandbox.bubblewrap.spawning import Spawned
from ringfence.adapters.sandbox.bubblewrap.streams import Streams
from ringfence.adapters.sandbox.descriptors import gone
from ringfence.core.model.box import Layer
from ringfence.ports.sandbox import BoxEnd, Left

KILLED = 128 + signal.SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a box is made of."""

    spawned: Spawned
    group: BoxGroup
    wall_clock_s: float
    streams: Streams
    held: ExitStack
    """What is given back when nothing of it is left."""


class BubblewrapBox:
    """Implements `ringfence.ports.sandbox.Box`.

    Bubblewrap's outer process ends with the command; the box's first process then gets the kernel's parent-death signal, and
    with it dies all that is in its pid namespace. The kernel lets that process be seen as ended only when the rest is gone.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._outer = os.pidfd_open(parts.spawned.process.pid)
        self._init = os.pidfd_open(parts.spawned.init)
        self._listener: socket | None = None
        self._taken: int | None = None
        self._layers: frozenset[Layer] = frozenset()
        self._left: Left | None = None
        self._why = ""
        self._clock: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._ended = asyncio.get_running_loop().create_task(self._watch())
        self._closed = False

    @property
    def pid(self) -> int:
        return self._parts.spawned.init

    @property
    def listener(self) -> int | None:
        """Whoever asks for it first owns it. One that nobody asked for is closed with the box."""
        if self._taken is None and self._listener is not None:
            self._taken = self._listener.detach()
        return self._taken

    @property
    def layers(self) -> frozenset[Layer]:
        return self._layers

    @property
    def left(self) -> Left | None:
        return self._left

    def furnish(self, listener: socket | None, layers: frozenset[Layer], left: Left | None) -> None:
        """What it got while it was set up."""
        self._listener, self._layers, self._left = listener, layers, left

    def release(self) -> None:
        """Let the command start. The wall clock runs from here, also while the box is paused."""
        if self._clock is not None or self._ended.done():
            return
        self._clock = asyncio.get_running_loop().call_later(self._parts.wall_clock_s, self._time_is_up)
        with suppress(OSError):
            self._parts.spawned.gate.send(b"1")

    async def wait(self) -> BoxEnd:
        return await asyncio.shield(self._ended)

    async def kill(self, why: str = "killed") -> None:
        """End every process of it, daemons too. Returns when none is left."""
        if not self._ended.done():
            self._why = self._why or why
            self._strike()
        await asyncio.shield(self._ended)

    async def pause(self) -> None:
        """No process of it runs when this returns. Raises UnavailableError where they cannot be held: kill it then."""
        if self._ended.done():
            return
        if self._parts.group.may_freeze:
            await self._parts.group.freeze()
        else:
            await stopping.stop(self.pid)

    async def resume(self) -> None:
        if self._ended.done():
            return
        if self._parts.group.may_freeze:
            await self._parts.group.thaw()
        else:
            stopping.go_on(self.pid)

    async def close(self) -> None:
        """Nothing of it is left when this returns but a listener that somebody has taken."""
        try:
            await self.kill()
        finally:
            self._give_back()

    def _give_back(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._parts.spawned.gate.close()
        if self._listener is not None:
            self._listener.close()
        if self._left is not None:
            os.close(self._left.mount)
        os.close(self._outer)
        os.close(self._init)
        self._parts.held.close()

    def _time_is_up(self) -> None:
        task = asyncio.get_running_loop().create_task(self.kill("wall clock"))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _strike(self) -> None:
        """The pid namespace dies with its first process. The outer one follows by itself, with the exit code."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._init, signal.SIGKILL)
        self._parts.group.strike()

    async def _watch(self) -> BoxEnd:
        await gone(self._outer)
        code = self._parts.spawned.process.wait()
        if self._clock is not None:
            self._clock.cancel()
        self._strike()
        await gone(self._init)
        _reaped(self.pid)
        await self._parts.streams.drained()
        starved = self._parts.group.was_out_of_memory()
        await self._parts.group.remove()
        code = code if code >= 0 else 128 - code
        return BoxEnd(code=code, why=self._why or ("out of memory" if starved and code else ""))


def _reaped(pid: int) -> None:
    """Where we are the first process of a container, whoever has lost its parent has become ours to reap."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
