"""`ringfence claude-code`: the gateway in Claude Code, where the agent cannot take it out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringfence.app.cli import clients
from ringfence.app.cli.options import REFUSED, UNAVAILABLE, As, AsJson, State
from ringfence.app.clients.claude_settings import FOLDER
from ringfence.app.clients.plan import GATEWAY, PATH

app = typer.Typer(no_args_is_help=True, help="Install the gateway in Claude Code, prove that it holds, take it out again.")

Managed = Annotated[Path, typer.Option("--managed-dir", metavar="DIR", help="Where the client looks for managed settings.")]


@app.command("install")
def install(
    agent: clients.Of = None,
    config: clients.Config = None,
    url: clients.Url = GATEWAY,
    managed_dir: Managed = Path(FOLDER),
    replace: clients.Replace = None,
    path: Annotated[
        str,
        typer.Option(
            "--path",
            envvar="PATH",
            help="Where commands of the client find programs: no project changes it.",
            show_default=False,
        ),
    ] = PATH,
    direct_models: Annotated[
        bool,
        typer.Option("--direct-models", help="The client speaks to its model itself: nothing of that is metered or stopped."),
    ] = False,
    scrub: Annotated[
        bool,
        typer.Option("--scrub", help="Commands get no credentials of the client (it needs bubblewrap and socat for that)."),
    ] = False,
    over_changes: clients.OverChanges = False,
    dry_run: clients.DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write managed settings: every tool asks the gateway, and nobody below root can change that.

    What is there is kept and merged, copied first, and shown as a difference. Somebody else's decision is never loosened.
    """
    from ringfence.app.clients.claude_files import wanted
    from ringfence.app.clients.installing import Installation
    from ringfence.app.clients.interpreters import interpreter
    from ringfence.app.clients.plan import HOOK_FILE, Plan, checked_path, checked_url
    from ringfence.app.clients.read_denies import read_denies
    from ringfence.errors import Error

    rules, own = clients.agent_of(agent, config, as_json=as_json)
    folder = managed_dir.absolute()
    installation = Installation(folder, over_changes=over_changes)
    try:
        plan = Plan(
            url=checked_url(url),
            interpreter=interpreter(),
            path=checked_path(path),
            hook_file=str(folder / HOOK_FILE),
            read_denies=read_denies(rules.permissions, rules.local, own=own) if rules else read_denies(None, None),
            direct_models=direct_models,
            scrub=scrub,
        )
        files = wanted(installation, plan, frozenset(replace or ()))
    except Error as error:
        clients.stop(error, as_json=as_json)
    named = agent or "AGENT"
    then = (
        f"programs:  {plan.path}  (--path says otherwise)\n"
        f"prove it:  ringfence claude-code verify --agent {named}\n"
        f'use it:    ringfence claude-code run --agent {named} --task "..." -- claude'
    )
    clients.put(installation, files, dry_run=dry_run, as_json=as_json, then=then)


@app.command("uninstall")
def uninstall(managed_dir: Managed = Path(FOLDER), over_changes: clients.OverChanges = False, as_json: AsJson = False) -> None:
    """Put back what was there, to the byte. Refuses where somebody has changed a file since."""
    from ringfence.app.clients.installing import Installation

    clients.take_back(Installation(managed_dir.absolute(), over_changes=over_changes), as_json=as_json)


@app.command("verify")
def verify(
    agent: Annotated[
        str | None,
        typer.Option("--agent", "-a", help="The gateway is tried with a run of this agent.", show_default=False),
    ] = None,
    cli: Annotated[
        Path | None, typer.Option("--cli", help="The client. Else `claude` on the path.", show_default=False)
    ] = None,
    managed_dir: Managed = Path(FOLDER),
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Prove on this machine that the installation holds, with the real client and a model of its own on loopback.

    Each finding says what was tried, what happened and what to do. Ends with 0 where everything held that there is to
    try, else with 1. What stays open is said too. Changes nothing, and reaches nothing but this machine.
    """
    import os

    from ringfence.app.cli.places import state_directory
    from ringfence.app.clients.claude_verify import Surroundings
    from ringfence.app.clients.claude_verify import verify as proving

    with clients.lent_run(state, agent, "ringfence claude-code verify") as credential:
        around = Surroundings(
            managed=managed_dir.absolute(),
            program=cli.absolute() if cli is not None else None,
            home=Path(os.environ.get("HOME") or Path.home()),
            environment=dict(os.environ),
            state=state_directory(state, os.environ, Path.cwd()),
            listing=clients.listing_of(state),
            credential=credential,
        )
        clients.report(proving(around), as_json=as_json, title=f"Claude Code with the managed settings in {around.managed}")


@app.command("run", context_settings={"allow_extra_args": False})
def run(
    command: Annotated[list[str] | None, typer.Argument(help="The client with its options, behind `--`.")] = None,
    agent: Annotated[str, typer.Option("--agent", "-a", help="A configured agent.", show_default=False)] = "",
    task: Annotated[str, typer.Option("--task", "-t", help="What it is to do, in your words.", show_default=False)] = "",
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep-env", metavar="NAME", help="Pass this variable on. Repeat.", show_default=False),
    ] = None,
    project_env: Annotated[
        bool, typer.Option("--allow-project-env", help="Let the project's settings set variables for commands.")
    ] = False,
    state: State = None,
    as_name: As = None,
) -> None:
    """Open a run, start the client with its credential and a clean environment, and close the run when it ends.

    The client stays on this machine, with your rights. `ringfence run ... -- claude` has it work in a box instead.
    """
    import os
    import sys

    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.places import AGENT_SOCKET
    from ringfence.app.clients.clean_environment import clean
    from ringfence.app.clients.project_environment import project_environment
    from ringfence.app.clients.renewing import renewed

    desk = Desk(state, as_name)
    if not agent or not task:
        desk.usage(
            "`--agent` and `--task` say whose run it is and what for", 'ringfence claude-code run -a A -t "..." -- claude'
        )
    named = [] if project_env else project_environment(Path.cwd())
    if named:
        desk.fail(
            "settings of this project set variables for every command: " + ", ".join(named),
            "see what they do in .claude/settings*.json; then take them out, or --allow-project-env",
            REFUSED,
        )
    opened = desk.ask("POST", "/runs", {"agent": agent, "task": task, "kept": True})
    print(f"ringfence: run {opened['run']} of {agent}", file=sys.stderr, flush=True)
    try:
        with renewed(desk.state / AGENT_SOCKET, opened["credential"]):
            environment = clean(os.environ, opened["credential"], keep or ())
            code = clients.carried(command or ["claude"], environment, lambda: clients.is_over(desk, opened["run"]))
    except OSError as error:
        desk.fail(f"{(command or ['claude'])[0]} cannot be started: {error.strerror}", "", UNAVAILABLE)
    finally:
        desk.try_ask("POST", f"/runs/{opened['run']}/close", {"reason": "its client has ended"})
    raise typer.Exit(code)


@app.command("plugin")
def plugin(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is empty, or not there yet.")],
    url: clients.Url = GATEWAY,
    as_json: AsJson = False,
) -> None:
    """Write the hooks as a plugin of the client. A convenience for trying: whoever uses it can take it out."""
    import json

    from ringfence.app.clients.claude_plugin import plugin_files
    from ringfence.app.clients.plan import checked_url
    from ringfence.errors import Error

    try:
        files = plugin_files(checked_url(url))
        clients.write_new(folder, files)
    except Error as error:
        clients.stop(error, as_json=as_json)
    if as_json:
        typer.echo(json.dumps({"folder": str(folder), "files": sorted(files), "enforces": False}, ensure_ascii=False))
        return
    typer.echo(f"{len(files)} files in {folder}. It enforces nothing: `ringfence claude-code install` does.")
    typer.echo(f'try it:  ringfence claude-code run --agent AGENT --task "..." -- claude --plugin-dir {folder}')
