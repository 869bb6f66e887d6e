"""`ringfence init`, `assess`, `config check` and `config schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from ringfence.app.assessment.assess import Assessment
    from ringfence.app.config.settings import Loaded
    from ringfence.errors import Error

REFUSED, USAGE, UNAVAILABLE = 1, 2, 3

McpJson = Annotated[Path, typer.Argument(metavar="MCP_JSON", help="Your client's MCP configuration.", show_default=True)]
ConfigFile = Annotated[Path, typer.Argument(metavar="FILE", help="The configuration.", show_default=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

config_app = typer.Typer(no_args_is_help=True, help="Check the configuration, or describe it to an editor.")


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("init")(init)
    app.command("assess")(assess)
    app.add_typer(config_app, name="config")


def init(
    mcp_json: McpJson = Path(".mcp.json"),
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write. Never overwritten.")] = Path(
        "ringfence.yaml"
    ),
    as_json: AsJson = False,
) -> None:
    """Write a first ringfence.yaml for the servers of a client's MCP configuration, for you to review.

    Starts those servers as your client would, lists their tools, and proposes a profile for each with the reason.
    """
    import asyncio

    from ringfence.app.assessment.proposed_config import propose_config
    from ringfence.app.wiring.upstreams import list_tools_of
    from ringfence.errors import ConfigError

    _need_file(mcp_json, as_json)
    if output.exists() or output.is_symlink():
        _fail(f"{output} exists already and is left as it is", "Name another file with --output.", as_json, REFUSED)
    try:
        proposed = asyncio.run(propose_config(mcp_json, list_tools_of, target=output))
    except ConfigError as error:
        _fail_with(error, as_json)
    if not proposed.assessment.reached:
        _none_reached(proposed.assessment, as_json)
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(proposed.text)
    except FileExistsError:
        _fail(f"{output} exists already and is left as it is", "Name another file with --output.", as_json, REFUSED)
    except OSError as error:
        _fail(f"{output} cannot be written: {error.strerror}", "Name another file with --output.", as_json, REFUSED)
    if as_json:
        _print_json({"written": str(output), "notes": list(proposed.notes), "assessment": proposed.assessment.to_json()})
        return
    for note in proposed.notes:
        typer.echo(f"  ! {note}", err=True)
    found = proposed.assessment
    typer.echo(f"wrote {output}: {_counted(len(found.tools), 'tool')} of {_counted(found.reached, 'server')}")
    typer.echo(f"Review it line by line, then: ringfence config check {output}")


def assess(mcp_json: McpJson = Path(".mcp.json"), as_json: AsJson = False) -> None:
    """Say what the servers of a client's MCP configuration could do, the worst single act first. Writes nothing.

    Starts those servers as your client would and lists their tools. Of a ringfence.yaml it says which controls stand before
    each agent, and which do not.
    """
    import asyncio

    if mcp_json.suffix in (".yaml", ".yml"):
        return _assess_config(mcp_json, as_json)
    from ringfence.app.assessment.assess import assess as assess_file
    from ringfence.app.assessment.report import render_assessment
    from ringfence.app.wiring.upstreams import list_tools_of
    from ringfence.errors import ConfigError

    _need_file(mcp_json, as_json)
    try:
        assessment = asyncio.run(assess_file(mcp_json, list_tools_of))
    except ConfigError as error:
        _fail_with(error, as_json)
    if not assessment.reached:
        _none_reached(assessment, as_json)
    if as_json:
        _print_json(assessment.to_json())
    else:
        typer.echo(render_assessment(assessment), nl=False)
    return None


def _assess_config(file: Path, as_json: bool) -> None:
    from ringfence.app.assessment.controls import controls_of, render_controls
    from ringfence.app.config.load import load_config
    from ringfence.errors import ConfigError

    _need_file(file, as_json)
    try:
        found = controls_of(load_config(file).rules)
    except ConfigError as error:
        _fail_with(error, as_json)
    if as_json:
        _print_json({"agents": [each.to_json() for each in found]})
    else:
        typer.echo(render_controls(found), nl=False)


@config_app.command("check")
def check(file: ConfigFile = Path("ringfence.yaml"), as_json: AsJson = False) -> None:
    """Check a configuration: every problem with line, column, what was expected and the nearest known name."""
    from ringfence.app.config.load import load_config
    from ringfence.errors import ConfigError

    _need_file(file, as_json)
    try:
        loaded = load_config(file)
    except ConfigError as error:
        if as_json:
            _print_json({"ok": False, "problems": str(error).splitlines()})
            raise typer.Exit(REFUSED) from None
        _fail_with(error, as_json)
    if as_json:
        _print_json({"ok": True, "digest": loaded.digest, "warnings": list(loaded.warnings), **_counts(loaded)})
        return
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    counts = ", ".join(_counted(count, name.removesuffix("s")) for name, count in _counts(loaded).items())
    typer.echo(f"{file}: good ({counts}), digest {loaded.digest[:16]}")


@config_app.command("schema")
def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of printing.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the JSON Schema of ringfence.yaml, for your editor."""
    from ringfence.app.config.layout import config_schema

    text = json.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        _fail(f"{output} cannot be written: {error.strerror}", "", as_json, REFUSED)
    if as_json:
        _print_json({"written": str(output)})
    else:
        typer.echo(f"wrote {output}")


def _counts(loaded: Loaded) -> dict[str, int]:
    agents = sum(agent.server is None for agent in loaded.rules.agents.values())
    return {"servers": len(loaded.rules.servers), "tools": len(loaded.rules.tools), "agents": agents}


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _need_file(path: Path, as_json: bool) -> None:
    if not path.is_file():
        _fail(f"{path}: no such file", "Name the file as an argument.", as_json, USAGE)


def _none_reached(assessment: Assessment, as_json: bool) -> NoReturn:
    why = "\n".join(f"  {server.found.id}: {server.unreachable}" for server in assessment.servers)
    _fail(f"none of the servers could be listed\n{why}", "", as_json, UNAVAILABLE)


def _fail_with(error: Error, as_json: bool) -> NoReturn:
    _fail(str(error), error.remedy, as_json, REFUSED)


def _fail(message: str, remedy: str, as_json: bool, code: int) -> NoReturn:
    if as_json:
        _print_json({"error": message, "remedy": remedy})
    else:
        typer.echo(message, err=True)
        if remedy:
            typer.echo(remedy, err=True)
    raise typer.Exit(code)


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))
