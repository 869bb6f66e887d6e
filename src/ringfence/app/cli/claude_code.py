"""`ringfence claude-code`: the gateway in Claude Code, where the agent cannot take it out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringfence.app.cli import clients
from ringfence.app.cli.options import AsJson
from ringfence.app.clients.claude_settings import FOLDER
from ringfence.app.clients.plan import GATEWAY

app = typer.Typer(no_args_is_help=True, help="Install the gateway in Claude Code, prove that it holds, take it out again.")

Managed = Annotated[Path, typer.Option("--managed-dir", metavar="DIR", help="Where the client looks for managed settings.")]


@app.command("install")
def install(
    agent: clients.Of = None,
    config: clients.Config = None,
    url: clients.Url = GATEWAY,
    managed_dir: Managed = Path(FOLDER),
    replace: clients.Replace = None,
    direct_models: Annotated[
        bool,
        typer.Option("--direct-models", help="The client speaks to its model itself: nothing of that is metered or stopped."),
    ] = False,
    scrub: Annotated[
        bool,
        typer.Option("--scrub", help="Commands get no credentials of the client (it needs bubblewrap and socat for that)."),
    ] = False,
    dry_run: clients.DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write managed settings: every tool asks the gateway, and nobody below root can change that.

    What is there is kept and merged, copied first, and shown as a difference. Somebody else's decision is never loosened.
    """
    from ringfence.app.clients.claude_files import wanted
    from ringfence.app.clients.installing import Installation
    from ringfence.app.clients.interpreters import interpreter
    from ringfence.app.clients.plan import HOOK_FILE, Plan, checked_url
    from ringfence.app.clients.read_denies import read_denies
    from ringfence.errors import Error

    rules, own = clients.agent_of(agent, config, as_json=as_json)
    folder = managed_dir.absolute()
    try:
        plan = Plan(
            url=checked_url(url),
            interpreter=interpreter(),
            hook_file=str(folder / HOOK_FILE),
            read_denies=read_denies(rules.permissions, rules.local, own=own) if rules else read_denies(None, None),
            direct_models=direct_models,
            scrub=scrub,
        )
        files = wanted(Installation(folder), plan, frozenset(replace or ()))
    except Error as error:
        clients.stop(error, as_json=as_json)
    named = agent or "AGENT"
    then = (
        f"prove it:  ringfence claude-code verify --agent {named}\n"
        f'use it:    ringfence claude-code run --agent {named} --task "..." -- claude'
    )
    clients.put(Installation(folder), files, dry_run=dry_run, as_json=as_json, then=then)


@app.command("uninstall")
def uninstall(managed_dir: Managed = Path(FOLDER), as_json: AsJson = False) -> None:
    """Put back what was there, to the byte. Refuses where somebody has changed a file since."""
    from ringfence.app.clients.installing import Installation

    clients.take_back(Installation(managed_dir.absolute()), as_json=as_json)
