"""`ringfence connect`: the stdio bridge that an MCP client configures as its one server."""

from __future__ import annotations

from typing import Annotated

import typer

from ringfence.app.cli.options import State


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("connect")(connect)


def connect(
    agent: Annotated[str, typer.Option("--agent", "-a", help="The configured agent that this client is.", show_default=False)],
    task: Annotated[str, typer.Option("--task", "-t", help="What the run is for, in the client's words (never trusted).")] = "",
    server: Annotated[
        str | None, typer.Option("--server", help="One server with its own tool names; else all tools.", show_default=False)
    ] = None,
    state: State = None,
) -> None:
    """Speak MCP on stdin and stdout for an agent. Opens a run and renews it by itself."""
    import asyncio
    import os
    import sys
    from pathlib import Path

    from ringfence.app.bridge.bridge import bridge
    from ringfence.app.bridge.stdio import FdSink, FdSource
    from ringfence.app.cli.places import AGENT_SOCKET, state_directory

    folder = state_directory(state, os.environ, Path.cwd())

    def say(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    async def carry() -> int:
        return await bridge(
            socket=folder / AGENT_SOCKET, agent=agent, task=task, server=server, stdin=FdSource(0), stdout=FdSink(1), stderr=say
        )

    raise typer.Exit(asyncio.run(carry()))
