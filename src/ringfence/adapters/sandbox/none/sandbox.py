"""Runs a command without a box. It can do whatever its user can; no layer is claimed.

What is kept: an environment made from nothing, no descriptor but the three, a session of its own, a wall clock, an end with
the supervisor where `setpriv` is installed. There is no listener: one on the host's loopback would be everybody's.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ringfence.adapters.sandbox.descriptors import gone
from ringfence.adapters.sandbox.none.processes import ended, go_on, held, stopped
from ringfence.core.model.box import Layer
from ringfence.errors import UnavailableError
from ringfence.ports.sandbox import BoxEnd, BoxPlan, Probed, Standing, WorkspaceKind

SHELL = "/bin/sh"
HELD = 'kill -STOP $$; exec "$@"'
"""The shell stops itself; letting go is to continue it."""
SETPRIV = Path("/usr/bin/setpriv")


class NoBox:
    """Implements `ringfence.ports.sandbox.Box` by processes alone."""

    def __init__(self, process: subprocess.Popen[bytes], wall_clock_s: float) -> None:
        self._process = process
        self._pidfd = os.pidfd_open(process.pid)
        self._wall_clock_s = wall_clock_s
        self._why = ""
        self._clock: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._ended = asyncio.get_running_loop().create_task(self._watch())
        self._closed = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def listener(self) -> int | None:
        return None

    @property
    def layers(self) -> frozenset[Layer]:
        return frozenset()

    @property
    def left(self) -> None:
        return None

    def release(self) -> None:
        if self._clock is None and not self._ended.done():
            self._clock = asyncio.get_running_loop().call_later(self._wall_clock_s, self._time_is_up)
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGCONT)

    async def wait(self) -> BoxEnd:
        return await asyncio.shield(self._ended)

    async def kill(self, why: str = "killed") -> None:
        """End what can be found of it."""
        if not self._ended.done():
            self._why = self._why or why
            await ended(self.pid)
        await asyncio.shield(self._ended)

    async def pause(self) -> None:
        if not self._ended.done():
            await stopped(self.pid)

    async def resume(self) -> None:
        if not self._ended.done():
            go_on(self.pid)

    async def close(self) -> None:
        await self.kill()
        if not self._closed:
            self._closed = True
            os.close(self._pidfd)

    def _time_is_up(self) -> None:
        task = asyncio.get_running_loop().create_task(self.kill("wall clock"))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _watch(self) -> BoxEnd:
        """What the command left behind is ended before its number is given back and can be somebody else's."""
        await gone(self._pidfd)
        if self._clock is not None:
            self._clock.cancel()
        await ended(self.pid)
        code = self._process.wait()
        return BoxEnd(code=code if code >= 0 else 128 - code, why=self._why)


class NoSandbox:
    """Implements `ringfence.ports.sandbox.Sandbox` where the operator has asked for none."""

    async def probe(self) -> Sequence[Probed]:
        return [
            Probed(layer=layer, standing=Standing.ABSENT, detail="no sandbox was asked for", remedy="leave --unsafe-no-sandbox")
            for layer in Layer
        ]

    async def start(self, plan: BoxPlan) -> NoBox:
        """The profile's needs are not looked at: whoever asks for no sandbox has said so. Raises UnavailableError."""
        if threading.current_thread() is not threading.main_thread():
            raise UnavailableError("commands are started from the main thread only", remedy="run the loop in the main thread")
        if plan.workspace.kind in (WorkspaceKind.CLONE, WorkspaceKind.LEFT):
            raise UnavailableError("a clone is made in a box only", remedy="name a folder with --workspace, or use a box")
        box = NoBox(_executed(plan), plan.profile.limits.wall_clock_s)
        try:
            await held(box.pid)
        except BaseException:
            await box.close()
            raise
        return box

    async def sweep(self) -> int:
        return 0


def _executed(plan: BoxPlan) -> subprocess.Popen[bytes]:
    stdin, stdout, stderr = plan.stdio
    tied = [str(SETPRIV), "--pdeathsig", "KILL"] if SETPRIV.exists() else []
    try:
        return subprocess.Popen(
            [*tied, SHELL, "-c", HELD, "sh", *plan.command],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=_environment(plan),
            cwd=plan.workspace.source,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise UnavailableError(f"the command cannot be executed: {error}") from error


def _environment(plan: BoxPlan) -> dict[str, str]:
    made = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/"}
    with suppress(KeyError):
        account = pwd.getpwuid(os.getuid())
        made |= {"HOME": account.pw_dir, "USER": account.pw_name}
    return made | plan.profile.environment | dict(plan.environment)
