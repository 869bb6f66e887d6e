"""Ringfence itself, as a process started by its own command, and where it listens."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from demo.processes import DemoFault, Processes
from demo.world import World

PROGRAM = Path(sys.executable).with_name("ringfence")


@dataclass(frozen=True)
class Listening:
    """Where the gateway listens: for agents, for people in a browser where that was asked for, for people on this machine."""

    agents: str
    page: str | None
    control: Path


async def start_gateway(world: World, started: Processes, *, page: bool) -> Listening:
    """`ringfence up` on free ports, until it says `ready`. Raises: DemoFault."""
    command = [str(PROGRAM), "up", "--config", str(world.config), "--state", str(world.state), "--port", "0"]
    if page:
        command += ["--control-port", "0"]
    line = await started.start("ringfence", command, "ready")
    found = re.search(r"agents (\S+)", line)
    if found is None:
        raise DemoFault(f"ringfence did not say where it listens: {line}")
    browser = re.search(r"people (http\S+)", line)
    return Listening(found[1], browser[1] if browser else None, world.state / "control.sock")


def environment(world: World, credential: str | None = None) -> dict[str, str]:
    """What the command line needs to find the gateway, and to know who is asking."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RINGFENCE_")}
    known = {"RINGFENCE_OPERATOR_CREDENTIAL": credential} if credential else {}
    return {**inherited, "RINGFENCE_STATE": str(world.state), **known}
