"""How boxes end, on a real gateway: `python -m tests.boxes.ends FOLDER` prints what became of each, as JSON lines.

In every box is a tree of daemons: forked twice, in sessions of their own, deaf to signals.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.escapes.machine import environment
from tests.escapes.watch import alive
from tests.servers.gateway_process import GatewayProcess, People

RINGFENCE = (sys.executable, "-m", "ringfence")
PATIENCE_S = 30.0
LOOK_S = 0.02
QUIET_S = 0.5
TREE = """
import os, signal, time
for _ in range(2):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        for each in (1, 2, 3, 13, 15):
            signal.signal(each, signal.SIG_IGN)
        os.closerange(0, 3)
        while True:
            time.sleep(0.02)
while True:
    print("tick", flush=True)
    time.sleep(0.02)
"""
FEWEST = 3
CONFIGURATION: dict[str, Any] = {
    "version": 1,
    "agents": {
        "coder": {"purpose": "works in a box", "tools": [], "box": {"profile": "code"}, "delegate": {"depth": 2}},
        "brief": {"purpose": "works for a second", "tools": [], "box": {"profile": "light", "wall_clock": "1s"}},
        "planner": {"purpose": "lets others work", "tools": [], "only_mcp": True},
    },
}


@dataclass
class Boxed:
    """One `ringfence run` under way."""

    process: asyncio.subprocess.Process
    mark: str
    run: str = ""
    lines: list[str] = field(default_factory=list[str])
    """What the supervisor said."""

    async def code(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    async def is_quiet(self) -> bool:
        """Whether nothing comes of it any more, once what was under way is read."""
        assert self.process.stdout is not None
        for _ in range(20):
            try:
                async with asyncio.timeout(QUIET_S):
                    if not await self.process.stdout.read(1 << 20):
                        return True
            except TimeoutError:
                return True
        return False

    async def ticks(self) -> bool:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            return b"tick" in await self.process.stdout.readline()

    async def says(self, text: str) -> None:
        await until(lambda: any(text in line for line in self.lines))


@dataclass
class Ends:
    folder: Path
    gateway: GatewayProcess
    variables: dict[str, str]

    @asynccontextmanager
    async def box(self, agent: str = "coder", *options: str) -> AsyncGenerator[Boxed]:
        """A box with its tree of daemons; whatever is left of it is killed at the end."""
        mark = f"mark-{secrets.token_hex(8)}"
        state = str(self.folder / "state")
        begin = [*RINGFENCE, "run", "--state", state, "--agent", agent, "--task", "lives on", "--env", f"MARK={mark}", *options]
        process = await asyncio.create_subprocess_exec(
            *begin, "--", "/usr/bin/python3", "-I", "-c", TREE, env=self.variables, cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        boxed = Boxed(process, mark)
        listening = asyncio.create_task(_listen(boxed))
        try:
            await boxed.says("run r_")
            boxed.run = next(line for line in boxed.lines if "run r_" in line).partition("run ")[2].split(" ")[0]
            assert await boxed.ticks()
            await until(lambda: len(alive(mark)) >= FEWEST)
            yield boxed
        finally:
            if process.returncode is None:
                process.kill()
            for pid in alive(mark):
                os.kill(pid, signal.SIGKILL)
            listening.cancel()

    async def entries(self, boxed: Boxed) -> list[str]:
        async with self.gateway.people() as people:
            return [entry["summary"] for entry in await people.log() if entry["run"] == boxed.run]

    async def closed(self, boxed: Boxed) -> list[str]:
        """Wait until its run is closed; what the log says of it."""
        async with self.gateway.people() as people:
            for _ in range(int(PATIENCE_S / LOOK_S)):
                is_open = (await people.done("GET", f"/runs/{boxed.run}"))["state"] == "open"
                # What has been accepted is true at once, and in the log as soon as it is written.
                entries = [] if is_open else await self.entries(boxed)
                if any(said.startswith("run closed") for said in entries):
                    return entries
                await asyncio.sleep(LOOK_S)
        raise TimeoutError(f"run {boxed.run} is still open")

    def left(self, boxed: Boxed) -> dict[str, list[str]]:
        """What stays on the machine besides processes: cgroups, records, leases of uids, mounts, secrets."""
        runtime = self.folder / "run"
        files = [path for path in runtime.rglob("*") if path.is_file()]
        mounts = Path("/proc/self/mountinfo").read_text("utf-8")
        return {
            "groups": [str(path) for path in Path("/sys/fs/cgroup").rglob(f"ringfence-{boxed.run.replace('_', '-')}.*")],
            "records": [str(path) for path in runtime.rglob("boxes/*")],
            "mounts": [line for line in mounts.splitlines() if str(runtime) in line],
            "secrets": [str(path) for path in files if any(each in path.read_bytes() for each in (b"rfr_", b"PRIVATE KEY"))],
        }

    async def left_at_last(self, boxed: Boxed) -> dict[str, list[str]]:
        """The same, when time was given to clear it away."""
        try:
            await until(lambda: not any(self.left(boxed).values()))
        except TimeoutError:
            return self.left(boxed)
        return {}


async def until(true: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_S / LOOK_S)):
        if true():
            return
        await asyncio.sleep(LOOK_S)
    raise TimeoutError("it did not come true")


async def _listen(boxed: Boxed) -> None:
    assert boxed.process.stderr is not None
    while line := await boxed.process.stderr.readline():
        boxed.lines.append(line.decode())


async def supervisor_killed(ends: Ends) -> dict[str, Any]:
    async with ends.box() as boxed:
        boxed.process.kill()
        await until(lambda: not alive(boxed.mark))
        return {"entries": await ends.closed(boxed), **await ends.left_at_last(boxed)}


async def gateway_killed(ends: Ends) -> dict[str, Any]:
    async with ends.box() as boxed:
        await ends.gateway.kill()
        code = await boxed.code()
        await until(lambda: not alive(boxed.mark))
        await ends.gateway.start()
        return {"code": code, "said": boxed.lines, "entries": await ends.closed(boxed), **await ends.left_at_last(boxed)}


async def both_killed(ends: Ends) -> dict[str, Any]:
    async with ends.box() as boxed:
        # Held still meanwhile: neither has the time to notice that the other is gone.
        boxed.process.send_signal(signal.SIGSTOP)
        await ends.gateway.kill()
        boxed.process.kill()
        await until(lambda: not alive(boxed.mark))
        await ends.gateway.start()
        return {"entries": await ends.closed(boxed), **await ends.left_at_last(boxed)}


async def killed_by_an_operator(ends: Ends) -> dict[str, Any]:
    async with ends.box() as boxed, ends.gateway.people() as people:
        await _stop(people, "kill", boxed.run)
        code = await boxed.code()
        await until(lambda: not alive(boxed.mark))
        return {"code": code, "said": boxed.lines, "entries": await ends.closed(boxed), **await ends.left_at_last(boxed)}


async def paused_and_resumed(ends: Ends) -> dict[str, Any]:
    async with ends.box() as boxed, ends.gateway.people() as people:
        await _stop(people, "pause", boxed.run)
        await boxed.says("it goes on when the pause is lifted")
        quiet = await boxed.is_quiet()
        held = len(alive(boxed.mark))
        await _stop(people, "resume", boxed.run)
        await boxed.says("ringfence: it goes on\n")
        ticks = await boxed.ticks()
        await _stop(people, "pause", boxed.run)
        await until(lambda: sum("it goes on when" in line for line in boxed.lines) == 2)
        await _stop(people, "kill", boxed.run)
        code = await boxed.code()
        await until(lambda: not alive(boxed.mark))
        return {
            "quiet": quiet,
            "held": held,
            "ticks": ticks,
            "code": code,
            "entries": await ends.closed(boxed),
            **ends.left(boxed),
        }


async def interrupted(ends: Ends) -> dict[str, Any]:
    async with ends.box() as boxed:
        boxed.process.send_signal(signal.SIGINT)
        code = await boxed.code()
        await until(lambda: not alive(boxed.mark))
        return {"code": code, "said": boxed.lines, "entries": await ends.closed(boxed), **await ends.left_at_last(boxed)}


async def out_of_time(ends: Ends) -> dict[str, Any]:
    async with ends.box("brief") as boxed:
        code = await boxed.code()
        await until(lambda: not alive(boxed.mark))
        return {"code": code, "said": boxed.lines, "entries": await ends.closed(boxed), **await ends.left_at_last(boxed)}


async def parent_killed(ends: Ends) -> dict[str, Any]:
    async with ends.gateway.people() as people:
        parent, _ = await people.open_run("planner")
        async with ends.box("coder", "--parent", parent) as boxed:
            await _stop(people, "kill", parent)
            code = await boxed.code()
            await until(lambda: not alive(boxed.mark))
            return {"code": code, "said": boxed.lines, "entries": await ends.closed(boxed), **await ends.left_at_last(boxed)}


async def _stop(people: People, mode: str, run: str) -> None:
    await people.done("POST", f"/{mode}", {"scope": {"run": run}})


SCENARIOS: tuple[Callable[[Ends], Awaitable[dict[str, Any]]], ...] = (
    killed_by_an_operator, paused_and_resumed, interrupted, out_of_time, parent_killed, supervisor_killed, gateway_killed,
    both_killed,
)  # fmt: skip


async def main(folder: Path) -> None:
    for each in (folder / "home", folder / "run", folder / "state"):
        each.mkdir(mode=0o700)
    variables = {**environment(), "HOME": str(folder / "home"), "XDG_RUNTIME_DIR": str(folder / "run")}
    os.environ.update(variables)
    config = folder / "ringfence.yaml"
    config.touch(mode=0o600)
    config.write_text(json.dumps(CONFIGURATION), "utf-8")
    gateway = GatewayProcess(config, folder / "state", RINGFENCE, ())
    async with gateway.running():
        async with gateway.people() as people:
            await people.add_operator("ada", "admin")
        ends = Ends(folder, gateway, variables)
        for scenario in SCENARIOS:
            try:
                outcome = await scenario(ends)
            except (AssertionError, TimeoutError, StopIteration) as error:
                outcome = {"failed": f"{type(error).__name__} {error} {gateway.errors()[-1500:]}"}
            print(json.dumps({"name": scenario.__name__, **outcome}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
