"""`ringfence permissions explain`: what the lists of an agent make of a command, before it is tried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.app.cli.options import DONE, REFUSED, UNAVAILABLE, USAGE, AsJson

if TYPE_CHECKING:
    from ringfence.app.command_profiles import OwnCommands
    from ringfence.app.config.settings import Loaded
    from ringfence.core.model.local import Place
    from ringfence.core.rules import AgentRule

app = typer.Typer(no_args_is_help=True, help="Permission lists of coding agents: what they make of a command.")

ConfigOption = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration.")]
AgentOption = Annotated[
    str | None,
    typer.Option("--agent", metavar="AGENT", help="Whose lists; else the only agent that has any.", show_default=False),
]
CwdOption = Annotated[
    Path | None, typer.Option("--cwd", metavar="DIR", help="Where it would be done; else here.", show_default=False)
]
DEFAULT = Path("ringfence.yaml")


@app.command("explain")
def explain(
    command: Annotated[str | None, typer.Argument(metavar="[COMMAND]", help="For the shell.", show_default=False)] = None,
    tool: Annotated[str, typer.Option("--tool", metavar="TOOL", help="Another tool: Read, Edit, WebFetch.")] = "Bash",
    path: Annotated[str | None, typer.Option("--path", metavar="PATH", help="Of a file tool.", show_default=False)] = None,
    arguments: Annotated[
        str | None, typer.Option("--input", metavar="JSON", help="All that the tool is given.", show_default=False)
    ] = None,
    agent: AgentOption = None, config: ConfigOption = DEFAULT, cwd: CwdOption = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show how a command is read, what each part of it would do, the rule that decides, and the smallest change.

    Nothing is run, nothing recorded. Exit code 0 where it is allowed, 1 where it is refused or a person would be asked.
    """
    import asyncio
    import sys

    from ringfence.app.cli.desk import fail_with
    from ringfence.app.cli.terminal import console, safe
    from ringfence.app.permissions.telling import document, lines
    from ringfence.errors import UnavailableError

    given = _given(command, tool, path, arguments, as_json=as_json)
    loaded, rule, place = _where(config, agent, cwd, as_json=as_json)
    try:
        tried = asyncio.run(_decided(loaded.own_commands, rule, tool, given, place))
    except UnavailableError as error:
        fail_with(error, UNAVAILABLE, as_json=as_json)
    told = document(tried, loaded.rules.groups)
    if as_json:
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    else:
        out = console()
        for line in lines(told):
            out.print(safe(line), soft_wrap=True)
    raise typer.Exit(DONE if told["decision"] == "allow" else REFUSED)


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One command a line; `-`: standard input.")],
    agent: AgentOption = None, config: ConfigOption = DEFAULT, cwd: CwdOption = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Decide a list of commands. Exit code 0 where all of them are allowed."""
    import asyncio
    import sys

    from ringfence.app.cli.desk import fail, fail_with
    from ringfence.app.cli.terminal import console, safe
    from ringfence.errors import UnavailableError

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {error}", "", USAGE, as_json=as_json)
    loaded, rule, place = _where(config, agent, cwd, as_json=as_json)
    commands = [line for line in text.splitlines() if line.strip()]
    try:
        decided = asyncio.run(_all(loaded.own_commands, rule, commands, place))
    except UnavailableError as error:
        fail_with(error, UNAVAILABLE, as_json=as_json)
    if as_json:
        sys.stdout.write(json.dumps({"commands": decided}, ensure_ascii=False) + "\n")
    else:
        out = console()
        for one in decided:
            why = f"  [{one['why']}]" if one["why"] else ""
            out.print(safe(f"{one['decision']:5}  {one['command']}{why}"), soft_wrap=True)
    raise typer.Exit(DONE if all(one["decision"] == "allow" for one in decided) else REFUSED)


def _given(command: str | None, tool: str, path: str | None, arguments: str | None, *, as_json: bool) -> dict[str, Any]:
    from ringfence.app.cli.desk import fail

    if sum(one is not None for one in (command, path, arguments)) != 1:
        fail("say one of: a command, --path, --input", "ringfence permissions explain 'git push'", USAGE, as_json=as_json)
    if command is not None:
        return {"command": command}
    if path is not None:
        return {"notebook_path" if tool == "NotebookEdit" else "file_path": path}
    try:
        value: Any = json.loads(arguments or "")
    except ValueError as error:
        fail(f"--input is no JSON: {error}", "", USAGE, as_json=as_json)
    if not isinstance(value, dict):
        fail("--input is no JSON object", "", USAGE, as_json=as_json)
    return value


def _where(config: Path, agent: str | None, cwd: Path | None, *, as_json: bool) -> tuple[Loaded, AgentRule, Place]:
    from ringfence.app.cli.desk import fail
    from ringfence.app.config.load import load_config
    from ringfence.app.wiring.judging import place_of
    from ringfence.core.model.identifiers import AgentId
    from ringfence.errors import ConfigError

    try:
        loaded = load_config(config)
    except ConfigError as error:
        fail(str(error), error.remedy, REFUSED, as_json=as_json)
    having = [rule for rule in loaded.rules.agents.values() if rule.local is not None]
    if agent is not None:
        having = [rule for rule in having if rule.id == AgentId(agent)]
    if len(having) != 1:
        said = f"agent {agent} has no `local` section" if agent is not None else f"{len(having)} agents have a `local` section"
        fail(said, "name one with --agent, or write agents.NAME.local in the configuration", REFUSED, as_json=as_json)
    rule = having[0]
    return loaded, rule, place_of(rule, cwd if cwd is not None else Path.cwd())


async def _decided(own: OwnCommands | None, rule: AgentRule, tool: str, given: dict[str, Any], place: Place) -> Any:
    from ringfence.app.permissions.trial import Trial
    from ringfence.app.wiring.judging import judging
    from ringfence.core.model.identifiers import Millis

    async with judging(own) as judge:
        return await Trial(rule, judge, Millis(0)).decide(tool, given, place)


async def _all(own: OwnCommands | None, rule: AgentRule, commands: list[str], place: Place) -> list[dict[str, str]]:
    from ringfence.app.permissions.trial import Trial
    from ringfence.app.wiring.judging import judging
    from ringfence.core.model.identifiers import Millis

    decided: list[dict[str, str]] = []
    async with judging(own) as judge:
        trial = Trial(rule, judge, Millis(0))
        for command in commands:
            decision = (await trial.decide("Bash", {"command": command}, place)).decision
            why = "; ".join(f"{reason.code.value}: {reason.detail}" for reason in decision.reasons)
            decided.append({"command": command, "decision": decision.level.name.lower(), "why": why})
    return decided
