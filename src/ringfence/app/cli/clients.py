"""What the commands for coding agents share: options, the agent's rules, saying what would be written."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ringfence.app.cli.options import REFUSED, UNAVAILABLE, USAGE

if TYPE_CHECKING:
    from ringfence.app.cli.desk import Desk
    from ringfence.app.clients.credential_trials import Listing
    from ringfence.app.clients.findings import Finding
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
Url = Annotated[str, typer.Option("--url", envvar="RINGFENCE_URL", help="Where the gateway listens for agents.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be different, and write nothing.")]
Replace = Annotated[
    list[str] | None,
    typer.Option("--replace", metavar="KEY", help="Set this key whatever somebody else set. Repeat.", show_default=False),
]
OverChanges = Annotated[
    bool,
    typer.Option("--over-changes", help="Also where somebody changed a file since: that is kept beside, as NAME.changed-..."),
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

    kept: list[Path] = []
    try:
        changes = [each for each in installation.changes(wanted) if each.is_one]
        if not dry_run:
            kept = installation.put(wanted)
    except Error as error:
        stop(error, as_json=as_json)
    if as_json:
        import json

        shown = [{"path": str(each.path), "made": each.before is None, "difference": each.difference()} for each in changes]
        answer = {"written": not dry_run, "changes": shown, "kept": [str(path) for path in kept]}
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    for each in changes:
        _show(each, whole=dry_run)
    _show_kept(kept)
    if dry_run:
        typer.echo("nothing was written" if changes else "everything is as it should be")
    else:
        typer.echo(f"{len(changes)} files written" if changes else "everything was as it should be")
        typer.echo(then)


def _show_kept(kept: list[Path]) -> None:
    for path in kept:
        typer.echo(f"as somebody had changed it  {path}")


def _show(change: Change, *, whole: bool) -> None:
    """`whole`: new files too, line by line."""
    from ringfence.app.cli.terminal import console, safe

    out = console()
    if change.path.suffix == ".py" or (change.before is None and not whole):
        out.print(safe(f"{change.path}: {'new' if change.before is None else 'another version'}"), soft_wrap=True)
        return
    for line in change.difference().splitlines():
        style = {"+": "green", "-": "red", "@": "dim"}.get(line[:1], "")
        out.print(safe(line, style), soft_wrap=True)


def take_back(installation: Installation, *, as_json: bool) -> None:
    """Put back what was there."""
    from ringfence.errors import Error

    try:
        back, kept = installation.take_back()
    except Error as error:
        stop(error, as_json=as_json)
    if as_json:
        import json

        answer: dict[str, Any] = {"restored": [str(path) for path in back], "kept": [str(path) for path in kept]}
        typer.echo(json.dumps(answer))
        return
    for path in back:
        typer.echo(f"as it was before  {path}")
    _show_kept(kept)


def report(found: Iterator[Finding], *, as_json: bool, title: str) -> NoReturn:
    """Print findings as they are made, and end with 0 where all held that could be tried, else with 1."""
    from ringfence.app.cli.terminal import console, safe
    from ringfence.app.clients.findings import Standing

    styles = {Standing.HOLDS: "green", Standing.BROKEN: "bold red", Standing.UNPROVEN: "yellow", Standing.OPEN: "cyan"}
    made: list[Finding] = []
    out = console()
    if not as_json:
        out.print(safe(title))
    for finding in found:
        made.append(finding)
        if as_json:
            continue
        out.print(safe(f"{finding.standing.value:<9} {finding.name}", styles[finding.standing]), soft_wrap=True)
        out.print(safe(f"          tried     {finding.tried}"), soft_wrap=True)
        out.print(safe(f"          happened  {finding.happened}"), soft_wrap=True)
        if finding.remedy and finding.standing is not Standing.HOLDS:
            out.print(safe(f"          to do     {finding.remedy}"), soft_wrap=True)
    failed = any(each.fails for each in made)
    if as_json:
        import json
        from dataclasses import asdict

        typer.echo(json.dumps({"holds": not failed, "findings": [asdict(each) for each in made]}, ensure_ascii=False))
    else:
        counts = ", ".join(f"{sum(each.standing is one for each in made)} {one.value}" for one in Standing)
        out.print(safe(counts, "bold red" if failed else "bold"))
    raise typer.Exit(REFUSED if failed else 0)


@contextmanager
def lent_run(state: Path | None, agent: str | None, task: str) -> Generator[str | None]:
    """The credential of a run that is closed with the block: of `agent`, else the one in the environment, else none."""

    from ringfence.app.cli.client import ControlClient, Refusal
    from ringfence.app.cli.places import CONTROL_SOCKET, credential, state_directory
    from ringfence.app.clients.plan import RUN_VARIABLE
    from ringfence.errors import Error

    given = os.environ.get(RUN_VARIABLE) or None
    if agent is None:
        yield given
        return
    try:
        client = ControlClient(state_directory(state, os.environ, Path.cwd()) / CONTROL_SOCKET, credential(None, os.environ))
        opened = client.ask("POST", "/runs", {"agent": agent, "task": task})
    except Error:
        yield given
        return
    if isinstance(opened, Refusal):
        yield given
        return
    try:
        yield str(opened["credential"])
    finally:
        with suppress(Error):
            client.ask("POST", f"/runs/{opened['run']}/close", {"reason": "it was a trial"})


def listing_of(state: Path | None) -> Listing:
    """Asks the control plane of a state directory in the name of a credential."""

    from ringfence.app.cli.client import ControlClient, Refusal
    from ringfence.app.cli.places import CONTROL_SOCKET, state_directory

    def listing(path: str, credential: str) -> str | None:
        answer = ControlClient(state_directory(state, os.environ, Path.cwd()) / CONTROL_SOCKET, credential).ask("GET", path)
        return answer.code if isinstance(answer, Refusal) else None

    return listing


def carried(command: list[str], environment: dict[str, str], must_end: Callable[[], bool]) -> int:
    """Run a client on this terminal to its end, or until it has to end; its exit status. Raises: OSError."""
    import shutil
    import signal
    import subprocess

    from ringfence.app.clients.ending import waited

    program = shutil.which(command[0], path=environment.get("PATH")) or command[0]
    # The terminal tells both of an interrupt: it is the client's to say what follows. A handler, unlike ignoring, is not
    # passed on to what is started.
    before = {each: signal.signal(each, _leave_it) for each in (signal.SIGINT, signal.SIGQUIT)}
    # Whoever ends this ends the client with it: nobody would look after it any more.
    told: list[int] = []
    before |= {each: signal.signal(each, lambda number, frame: told.append(number)) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        client = [program, *command[1:]]
        return _status(waited(lambda: subprocess.Popen(client, env=environment), lambda: bool(told) or must_end()))
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def is_over(desk: Desk, run: str) -> bool:
    """Whether a run was closed or killed. Nobody knows while its gateway is away: then its hooks refuse."""
    from ringfence.app.cli.client import Refusal
    from ringfence.errors import UnavailableError

    try:
        shown = desk.client.ask("GET", f"/runs/{run}")
    except UnavailableError:
        return False
    if isinstance(shown, Refusal):
        return False
    return shown["state"] == "closed" or any(each.partition(": ")[2].startswith("kill ") for each in shown["stopped_by"])


def _leave_it(signal_number: int, frame: object) -> None:
    """Nothing is done here."""


def _status(code: int) -> int:
    return 128 - code if code < 0 else code


def write_new(folder: Path, files: dict[str, bytes]) -> None:
    """Write files into a folder that is empty, or not there. Raises: ConfigError, UnavailableError."""
    from ringfence.app.clients.files import FOLDER_MODE
    from ringfence.errors import ConfigError, UnavailableError

    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        if folder.is_symlink() or any(folder.iterdir()):
            raise ConfigError(f"{folder} is not empty, or a link", remedy="name another folder")
        for name, data in files.items():
            (folder / name).parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            with (folder / name).open("xb") as file:
                file.write(data)
    except OSError as error:
        raise UnavailableError(f"{folder} cannot be written: {error.strerror}", remedy="name another folder") from error
