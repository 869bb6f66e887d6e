"""How a box begins, is held, and ends."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.contract.sandbox_world import SandboxWorld, groups, text_of

from ringfence.adapters.sandbox.bubblewrap.stopping import tree
from ringfence.adapters.sandbox.descriptors import readable
from ringfence.adapters.sandbox.names import PREFIX, started
from ringfence.ports.sandbox import Box

DAEMONS = "(setsid sh -c 'sleep 1000; :' &) ; (sleep 1000 &) ; echo ready; head -c 1"
PORT = 8080


async def the_command_does_not_begin_before_it_is_let_go(world: SandboxWorld) -> None:
    reader, writer = os.pipe()
    async with world.box("echo", "begun", stdio=(0, writer, 2)) as box:
        os.close(writer)
        assert list(tree(box.pid)) == [box.pid]
        os.set_blocking(reader, False)
        try:
            assert os.read(reader, 10) == b"nothing is written"
        except BlockingIOError:
            box.release()
        assert (await box.wait()).code == 0
    assert os.read(reader, 10) == b"begun\n"
    os.close(reader)


async def exit_codes_are_kept(world: SandboxWorld) -> None:
    assert (await world.shell("exit 7")).end.code == 7
    assert (await world.shell("kill -TERM $$")).end.code == 128 + signal.SIGTERM
    assert (await world.run("no-such-program")).end.code == 127
    assert (await world.run("/etc/passwd")).end.code == 126
    assert (await world.run("true")).end.why == ""


async def a_kill_reaches_daemons(world: SandboxWorld) -> None:
    async with _with_daemons(world) as (box, members, _):
        assert len(members) >= 4
        await box.kill()
        assert not [pid for pid in members if _lives(pid, members)]
        assert (await box.wait()).why == "killed"


async def daemons_do_not_outlive_the_command(world: SandboxWorld) -> None:
    async with _with_daemons(world) as (box, members, feed):
        os.write(feed, b"x")
        end = await box.wait()
        assert (end.code, end.why) == (0, "")
        assert not [pid for pid in members if _lives(pid, members)]


async def nothing_runs_in_a_paused_box(world: SandboxWorld) -> None:
    output, sink = os.pipe()
    os.set_blocking(output, False)
    script = "(while :; do echo a; done) & while :; do echo b; done"
    async with world.box("sh", "-c", script, stdio=(0, sink, 2)) as box:
        os.close(sink)
        box.release()
        await _arrives(output)
        await box.pause()
        _drain(output)
        assert (await world.shell("exit 4")).end.code == 4, "another box lives its whole life meanwhile"
        assert _drain(output) == 0
        await box.resume()
        await _arrives(output)
        await box.pause()
        await box.kill()
        assert (await box.wait()).code == 137
    os.close(output)


async def closing_leaves_nothing(world: SandboxWorld) -> None:
    await world.run("true")
    before = os.listdir("/proc/self/fd")
    mounts = text_of("/proc/self/mountinfo")
    async with world.box("sleep", "1000", listener_port=PORT) as box:
        members = {pid: started(pid) for pid in tree(box.pid)}
        box.release()
    assert not [pid for pid in members if _lives(pid, members)]
    assert os.listdir("/proc/self/fd") == before
    assert text_of("/proc/self/mountinfo") == mounts
    assert not [line for line in _commands() if line.startswith(f"{PREFIX}test-{world.boxes}.{os.getpid()}.")]
    assert list((world.folder / "state" / "boxes").iterdir()) == []
    assert groups(f"test-{world.boxes}.{os.getpid()}.") == []


async def a_box_that_was_never_let_go_can_be_closed(world: SandboxWorld) -> None:
    async with world.box("true") as box:
        pass
    assert (await box.wait()).why == "killed"


@asynccontextmanager
async def _with_daemons(world: SandboxWorld) -> AsyncGenerator[tuple[Box, dict[int, int | None], int]]:
    """A box, the processes in it with the time of their start, and what ends its command when it is written to."""
    (source, feed), (output, sink) = os.pipe(), os.pipe()
    async with world.box("sh", "-c", DAEMONS, stdio=(source, sink, 2)) as box:
        os.close(source)
        os.close(sink)
        box.release()
        await _arrives(output)
        yield box, {pid: started(pid) for pid in tree(box.pid)}, feed
    os.close(feed)
    os.close(output)


def _lives(pid: int, members: dict[int, int | None]) -> bool:
    return started(pid) is not None and started(pid) == members[pid]


def _commands() -> list[str]:
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                found.append((entry / "cmdline").read_bytes().partition(b"\0")[0].decode(errors="replace"))
            except OSError:
                continue
    return found


def _drain(descriptor: int) -> int:
    read = 0
    while True:
        try:
            read += len(os.read(descriptor, 65_536))
        except BlockingIOError:
            return read


async def _arrives(descriptor: int) -> None:
    assert await readable(descriptor, 20)
