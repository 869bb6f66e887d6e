"""What the commands for coding agents share: options, the agent's rules, saying what would be written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ringfence.app.cli.options import REFUSED, UNAVAILABLE, USAGE

if TYPE_CHECKING:
    from ringfence.app.clients.installing import Change, Installation
    from ringfence.core.rules import AgentRule
    from ringfence.errors import Error

Of = Annotated[
    str | None,
    typer.Option(
        "--agent", "-a", help="The configured agent that the client is: its Read denies are taken over.", show_default=False
    ),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="The configuration. Else ./ringfence.yaml.", show_default=False),
]
Url = Annotated[str, typer.Option("--url", help="Where the gateway listens for agents.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be different, and write nothing.")]
Replace = Annotated[
    list[str] | None,
    typer.Option("--replace", metavar="KEY", help="Set this key whatever somebody else set. Repeat.", show_default=False),
]
DEFAULT = Path("ringfence.yaml")


def agent_of(name: str | None, config: Path | None, *, as_json: bool) -> tuple[AgentRule | None, tuple[str, ...]]:
    """The agent, and the paths of its configuration. Ends the command where it is not configured."""
    from ringfence.app.cli.desk import fail
    from ringfence.app.config.load import load_config
    from ringfence.errors import ConfigError

    if name is None:
        return None, ()
    file = (config or DEFAULT).absolute()
    try:
        loaded = load_config(file)
    except ConfigError as error:
        stop(error, as_json=as_json)
    found = next((agent for each, agent in loaded.rules.agents.items() if each == name), None)
    if found is None:
        fail(f"{file} has no agent `{name}`", "it has: " + ", ".join(loaded.rules.agents), USAGE, as_json=as_json)
    return found, (str(file),)


def stop(error: Error, *, as_json: bool) -> NoReturn:
    """End with what is wrong."""
    from ringfence.app.cli.desk import fail_with
    from ringfence.errors import UnavailableError

    fail_with(error, UNAVAILABLE if isinstance(error, UnavailableError) else REFUSED, as_json=as_json)


def put(installation: Installation, wanted: dict[str, bytes], *, dry_run: bool, as_json: bool, then: str) -> None:
    """Show what is different, write it unless only asked, say what comes next."""
    from ringfence.errors import Error

    try:
        changes = [each for each in installation.changes(wanted) if each.is_one]
        if not dry_run:
            installation.put(wanted)
    except Error as error:
        stop(error, as_json=as_json)
    if as_json:
        import json

        shown = [{"path": str(each.path), "made": each.before is None, "difference": each.difference()} for each in changes]
        typer.echo(json.dumps({"written": not dry_run, "changes": shown}, ensure_ascii=False))
        return
    for each in changes:
        _show(each)
    if dry_run:
        typer.echo("nothing was written" if changes else "everything is as it should be")
    else:
        typer.echo(f"{len(changes)} files written" if changes else "everything was as it should be")
        typer.echo(then)


def _show(change: Change) -> None:
    from ringfence.app.cli.terminal import console, safe

    out = console()
    if change.path.suffix == ".py":
        out.print(safe(f"{change.path}: {'new' if change.before is None else 'another version'}"), soft_wrap=True)
        return
    for line in change.difference().splitlines():
        style = {"+": "green", "-": "red", "@": "dim"}.get(line[:1], "")
        out.print(safe(line, style), soft_wrap=True)


def take_back(installation: Installation, *, as_json: bool) -> None:
    """Put back what was there."""
    from ringfence.errors import Error

    try:
        back = installation.take_back()
    except Error as error:
        stop(error, as_json=as_json)
    if as_json:
        import json

        answer: dict[str, Any] = {"restored": [str(path) for path in back]}
        typer.echo(json.dumps(answer))
        return
    for path in back:
        typer.echo(f"as it was before  {path}")
