"""`ringfence codex`: the gateway in Codex, as far as its documentation says how."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringfence.app.cli import clients
from ringfence.app.cli.options import AsJson, State
from ringfence.app.clients.codex_settings import FOLDER
from ringfence.app.clients.plan import GATEWAY

app = typer.Typer(no_args_is_help=True, help="Install the gateway in Codex, say how that stands, take it out again.")

Folder = Annotated[Path, typer.Option("--codex-dir", metavar="DIR", help="Where the client looks for requirements.")]
SAID = (
    "this client lets a call run where its hook crashes or runs out of time, and no version of it was run with these files\n"
    "see what that means:  ringfence codex verify"
)


@app.command("install")
def install(
    url: clients.Url = GATEWAY,
    codex_dir: Folder = Path(FOLDER),
    over_changes: clients.OverChanges = False,
    dry_run: clients.DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write requirements: managed hooks alone, which ask the gateway. From the client's documentation; not run with it."""
    from ringfence.app.clients.codex_settings import wanted
    from ringfence.app.clients.hook_file import hook_file
    from ringfence.app.clients.installing import Installation
    from ringfence.app.clients.interpreters import interpreter
    from ringfence.app.clients.plan import near_url
    from ringfence.errors import Error

    installation = Installation(codex_dir.absolute(), over_changes=over_changes)
    try:
        hook = hook_file()
        files = wanted(installation, near_url(url), interpreter(), hook)
    except Error as error:
        clients.stop(error, as_json=as_json)
    clients.put(installation, files, dry_run=dry_run, as_json=as_json, then=SAID)


@app.command("verify")
def verify(url: clients.Url = GATEWAY, codex_dir: Folder = Path(FOLDER), state: State = None, as_json: AsJson = False) -> None:
    """Say how the installation stands. The client itself is not started, so this never ends with 0."""
    import os

    from ringfence.app.cli.places import state_directory
    from ringfence.app.clients.codex_settings import findings
    from ringfence.app.clients.open_ends import open_ends, port
    from ringfence.app.clients.plan import near_url
    from ringfence.errors import Error

    folder = codex_dir.absolute()
    try:
        found = findings(folder, near_url(url))
    except Error as error:
        clients.stop(error, as_json=as_json)
    home = Path(os.environ.get("HOME") or Path.home())
    further = [*port(near_url(url)), *open_ends(home, os.environ, state_directory(state, os.environ, Path.cwd()), None)]
    clients.report(iter([*found, *further]), as_json=as_json, title=f"Codex with the requirements in {folder}")


@app.command("uninstall")
def uninstall(codex_dir: Folder = Path(FOLDER), over_changes: clients.OverChanges = False, as_json: AsJson = False) -> None:
    """Put back what was there, to the byte. Refuses where somebody has changed a file since."""
    from ringfence.app.clients.installing import Installation

    clients.take_back(Installation(codex_dir.absolute(), over_changes=over_changes), as_json=as_json)
