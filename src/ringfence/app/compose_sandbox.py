"""Wires the supervisor of one box: which sandbox this machine has, and the line to the gateway."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ringfence.adapters.box_link.server import call
from ringfence.adapters.sandbox.bubblewrap.sandbox import BubblewrapSandbox
from ringfence.adapters.sandbox.none.sandbox import NoSandbox
from ringfence.app.boxes.supervisor import Ended, Wanted, supervise
from ringfence.ports.sandbox import Sandbox, Workspace

BOX_SOCKET = "boxes.sock"


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
) -> Ended:
    """Run one command to its end. Raises UnavailableError."""

    async def run() -> Ended:
        sandbox = build_sandbox(state, unsafe_no_sandbox=unsafe_no_sandbox)
        await sandbox.sweep()
        channel = await call(str(state / BOX_SOCKET))
        try:
            wanted = Wanted(
                command=command, credential=credential, binding=binding, workspace=workspace, environment=environment
            )
            return await supervise(sandbox, channel, wanted, tell)
        finally:
            channel.close()

    return asyncio.run(run())
