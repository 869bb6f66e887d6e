"""The command line. Signatures live in light modules; whatever a command needs is imported in its body."""

from __future__ import annotations

from typing import Annotated

import typer

from ringfence.app.cli import (
    agent,
    alerts,
    approvals,
    audit,
    budget,
    claude_code,
    codex,
    config_commands,
    connect,
    doctor,
    drill,
    handoff,
    labels,
    login,
    operator,
    permissions,
    pins,
    policy,
    run,
    server,
    signal,
    stop,
    timeline,
    tool,
    up,
    usage,
    witness,
)

app = typer.Typer(
    name="ringfence",
    help="The boundary between AI agents and the tools they use: every call decided, recorded, approved and stoppable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"ringfence {version('ringfence')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """The boundary between AI agents and the tools they use: every call decided, recorded, approved and stoppable."""


up.register(app)
connect.register(app)
login.register(app)
config_commands.register(app)
app.add_typer(doctor.app, name="doctor")
app.add_typer(claude_code.app, name="claude-code")
app.add_typer(codex.app, name="codex")
app.add_typer(operator.app, name="operator")
app.add_typer(agent.app, name="agent")
app.add_typer(run.app, name="run")
app.add_typer(handoff.app, name="handoff")
app.add_typer(approvals.app, name="approvals")
app.add_typer(alerts.app, name="alerts")
app.add_typer(tool.app, name="tool")
app.add_typer(pins.app, name="pins")
app.add_typer(permissions.app, name="permissions")
app.add_typer(policy.app, name="policy")
app.add_typer(budget.app, name="budget")
app.add_typer(server.app, name="server")
app.add_typer(signal.app, name="signal")
app.add_typer(audit.app, name="audit")
app.add_typer(witness.app, name="witness")
app.add_typer(drill.app, name="drill")
app.command("explain")(audit.explain)
app.command("usage")(usage.usage)
app.command("timeline")(timeline.timeline)
stop.register(app)
labels.register(app)


def main() -> None:
    """Run one command and end with its exit code."""
    app()
