"""Kills a supervisor with -9 and watches what becomes of its box. `sandbox_kill.py MODE`; ends with 0 where nothing is left."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

from tests.contract.sandbox_world import groups, sandbox_world

from ringfence.adapters.sandbox.descriptors import readable


def killed(place: str, mode: str) -> tuple[int, list[int]]:
    """Starts a supervisor with a box and kills it: its number, and pidfds of everything that was in the box."""
    supervisor = subprocess.Popen(
        [sys.executable, "-B", "-m", "tests.contract.sandbox_supervisor", place, mode],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env={"PYTHONPATH": os.environ["PYTHONPATH"], "PATH": os.defpath},
    )
    assert supervisor.stdout is not None
    with supervisor.stdout as said:
        members = json.loads(said.readline())["members"]
    watched = [os.pidfd_open(pid) for pid in members]
    supervisor.kill()
    supervisor.wait()
    return supervisor.pid, watched


async def main(mode: str) -> None:
    with sandbox_world() as world:
        supervisor, watched = killed(str(world.folder), mode)
        assert len(watched) >= (1 if mode == "stopped" else 4)
        for descriptor in watched:
            assert await readable(descriptor, 20), "a process of the box lives on"
            os.close(descriptor)
        assert await world.sandbox.sweep() == 1
        assert await world.sandbox.sweep() == 0
        assert os.listdir(world.folder / "state" / "boxes") == []
        assert groups(f"*.{supervisor}.") == []


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
