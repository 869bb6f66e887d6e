"""`ringfence run --agent A --task T -- COMMAND`: a run with its command in a box."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ringfence.app.cli.options import UNAVAILABLE, As, AsJson, State

if TYPE_CHECKING:
    from ringfence.app.cli.desk import Desk

COMMAND = "command"


class RunGroup(TyperGroup):
    """`run` with its commands, and `run ... -- COMMAND`: what stands behind `--` is nobody's option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            if not any(part in self.commands for part in args[:at]):
                ctx.meta[COMMAND] = args[at + 1 :]
                args = args[:at]
        return super().parse_args(ctx, args)


def boxed(
    ctx: typer.Context,
    agent: Annotated[str | None, typer.Option("--agent", "-a", help="A configured agent.", show_default=False)] = None,
    task: Annotated[
        str | None, typer.Option("--task", "-t", help="What it is to do, in your words.", show_default=False)
    ] = None,
    parent: Annotated[str | None, typer.Option("--parent", help="The run that this is a child of.", show_default=False)] = None,
    repo: Annotated[
        Path | None, typer.Option("--repo", help="Work in a clone of this git repository.", show_default=False)
    ] = None,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", help="Work in this very folder, writable.", show_default=False)
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", help="NAME=VALUE for the command. No secrets.", show_default=False)
    ] = None,
    commit: Annotated[
        bool, typer.Option("--commit", help="With --repo: commit what the command has changed and not committed.")
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="With --repo: leave a result that needs a person; `run export` fetches it.")
    ] = False,
    unsafe_no_sandbox: Annotated[
        bool, typer.Option("--unsafe-no-sandbox", help="No box at all: the command can do what you can.")
    ] = False,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Runs: start, list, show, close. Or run a command in a box: `ringfence run --agent A --task "..." -- COMMAND`."""
    command: list[str] | None = ctx.meta.get(COMMAND)
    if ctx.invoked_subcommand is not None:
        return
    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    if command is None:
        typer.echo(ctx.get_help())
        raise typer.Exit(0 if agent is None else 2)
    if not command:
        desk.usage("there is no command behind `--`", 'ringfence run --agent A --task "..." -- COMMAND')
    if agent is None or task is None:
        desk.usage("`--agent` and `--task` say whose run it is and what for", 'ringfence run --agent A --task "..." -- COMMAND')
    if repo is not None and workspace is not None:
        desk.usage("expected either `--repo` or `--workspace`, found both")
    if repo is None and (commit or no_wait):
        desk.usage("`--commit` and `--no-wait` are about what comes of `--repo`")
    variables = _variables(desk, env or [])
    raise typer.Exit(
        _run(
            desk,
            agent,
            task,
            parent,
            repo,
            workspace,
            variables,
            command,
            unsafe=unsafe_no_sandbox,
            commit=commit,
            wait=not no_wait,
        )
    )


def _variables(desk: Desk, given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name.isidentifier():
            desk.usage(f"`--env {name}`: expected NAME=VALUE")
        found[name] = value
    return found


def _run(
    desk: Desk,
    agent: str,
    task: str,
    parent: str | None,
    repo: Path | None,
    folder: Path | None,
    variables: dict[str, str],
    command: list[str],
    *,
    unsafe: bool,
    commit: bool,
    wait: bool,
) -> int:
    import secrets
    import sys
    from base64 import urlsafe_b64encode

    from ringfence.app.cli.results import say_result, view_of
    from ringfence.app.wiring.sandbox import run_in_box
    from ringfence.core.model.binding import BindingKind, bound_to
    from ringfence.errors import UnavailableError
    from ringfence.ports.sandbox import Workspace, WorkspaceKind

    binding = bound_to(BindingKind.BOX, urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode())
    opened = desk.ask(
        "POST", "/runs", {"agent": agent, "task": task, "binding": binding, **({"parent": parent} if parent else {})}
    )
    workspace = Workspace()
    if repo is not None or folder is not None:
        kind = WorkspaceKind.CLONE if repo is not None else WorkspaceKind.FOLDER
        workspace = Workspace(kind=kind, source=str((repo or folder or Path()).resolve()))

    def tell(line: str) -> None:
        if not desk.as_json:
            print(f"ringfence: {line}", file=sys.stderr, flush=True)

    try:
        ended = run_in_box(
            desk.state,
            opened["credential"],
            binding,
            command,
            variables,
            workspace,
            tell,
            unsafe_no_sandbox=unsafe,
            commit=commit,
            wait=wait,
        )
    except UnavailableError as error:
        desk.try_ask("POST", f"/runs/{opened['run']}/close", {"reason": "its box could not be made"})
        desk.fail(str(error), error.remedy, UNAVAILABLE)
    if desk.as_json:
        desk.print_json(
            {
                "run": ended.run,
                "code": ended.code,
                "why": ended.why,
                "entry": ended.entry,
                "layers": list(ended.layers),
                "result": view_of(ended.result) if ended.result is not None else None,
            }
        )
    elif ended.why:
        tell(f"ended: {ended.why}")
    if ended.result is not None:
        say_result(ended.run, ended.result, tell)
    return ended.code
