"""Wires the supervisor of one box: which sandbox this machine has, and the line to the gateway."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ringfence.adapters.box_link.server import call
from ringfence.adapters.sandbox.bubblewrap.sandbox import BubblewrapSandbox
from ringfence.adapters.sandbox.none.sandbox import NoSandbox
from ringfence.adapters.workspaces.quarantine import GitWorkspaces
from ringfence.app.boxes.handing import Handed
from ringfence.app.boxes.shelf import Shelf
from ringfence.app.boxes.supervisor import Ended, Results, Wanted, fetch, supervise
from ringfence.ports.sandbox import Sandbox, Workspace

BOX_SOCKET = "boxes.sock"
QUARANTINE = "quarantine"


def runtime_folder() -> Path:
    """Where what belongs to living boxes is kept; empty after a boot."""
    base = os.environ.get("XDG_RUNTIME_DIR") or ("/run" if os.geteuid() == 0 else f"/tmp/ringfence-{os.geteuid()}")
    return Path(base) / "ringfence"


def build_sandbox(state: Path | None = None, *, unsafe_no_sandbox: bool = False) -> Sandbox:
    """The sandbox of this machine. No box of it has any of the state directory, whatever its workspace is."""
    hidden = [state.absolute()] if state is not None else []
    return NoSandbox() if unsafe_no_sandbox else BubblewrapSandbox(folder=runtime_folder(), hidden=hidden)


def run_in_box(
    state: Path,
    credential: str,
    binding: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    workspace: Workspace,
    tell: Callable[[str], None],
    *,
    unsafe_no_sandbox: bool = False,
    commit: bool = False,
    wait: bool = True,
) -> Ended:
    """Run one command to its end. Raises UnavailableError."""

    async def run() -> Ended:
        sandbox = build_sandbox(state, unsafe_no_sandbox=unsafe_no_sandbox)
        await sandbox.sweep()
        channel = await call(str(state / BOX_SOCKET))
        try:
            wanted = Wanted(
                command=command,
                credential=credential,
                binding=binding,
                workspace=workspace,
                environment=environment,
                commit=commit,
                wait=wait,
            )
            return await supervise(sandbox, channel, wanted, tell, results_of(state))
        finally:
            channel.close()

    return asyncio.run(run())


def results_of(state: Path) -> Results:
    """Where results go from a gateway's boxes."""
    return Results(workspaces=GitWorkspaces(), shelf=Shelf(state / QUARANTINE))


def fetch_result(state: Path, run: str, tell: Callable[[str], None], *, wait: bool) -> Handed:
    """Hand over what a run left waiting. Raises UnavailableError."""

    async def go() -> Handed:
        channel = await call(str(state / BOX_SOCKET))
        try:
            return await fetch(channel, results_of(state), run, tell, wait=wait)
        finally:
            channel.close()

    return asyncio.run(go())
