"""A supervisor to be killed: starts a box, says which processes are in it, and waits. `sandbox_supervisor.py FOLDER MODE`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from tests.contract.sandbox_world import PYTHON, SandboxWorld

from ringfence.adapters.sandbox.bubblewrap.sandbox import BubblewrapSandbox
from ringfence.adapters.sandbox.bubblewrap.stopping import tree
from ringfence.adapters.sandbox.descriptors import readable

DAEMONS = "(setsid sh -c 'sleep 1000; :' &) ; (sleep 1000 &) ; echo ready; sleep 1000"


async def main(folder: Path, mode: str) -> None:
    world = SandboxWorld(folder, BubblewrapSandbox(folder=folder / "state", python=Path(PYTHON)))
    output, sink = os.pipe()
    box = await world.sandbox.start(world.plan("sh", "-c", DAEMONS, stdio=(0, sink, 2), listener_port=8080))
    if mode != "stopped":
        box.release()
        await readable(output, 20)
    if mode == "paused":
        await box.pause()
    print(json.dumps({"box": box.pid, "members": sorted(tree(box.pid))}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
