"""`ringfence doctor`: what is weak around a gateway, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.app.cli import doctor_sandbox
from ringfence.app.cli.options import REFUSED, UNAVAILABLE, USAGE, AsJson, State

if TYPE_CHECKING:
    from ringfence.app.doctor.gather_gateway import Ask

app = typer.Typer(invoke_without_command=True, help="Look for what is weak around a gateway, and say what to do about it.")
doctor_sandbox.register(app)
DEFAULT = Path("ringfence.yaml")


@app.callback()
def doctor(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="The configuration. Else ./ringfence.yaml.", show_default=False),
    ] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Look for what is weak around a gateway, and say what to do about it. Changes and starts nothing.

    Ends with 0 where nothing serious was found, else with 1. Works on a configuration alone; with a state directory or a
    running gateway it looks at those too.
    """
    if context.invoked_subcommand is not None:
        return
    import json
    import os
    import time

    from ringfence.app.cli.desk import fail, fail_with
    from ringfence.app.cli.places import state_directory
    from ringfence.app.cli.terminal import console, safe
    from ringfence.app.doctor.doctor import examine
    from ringfence.app.doctor.gather import Surroundings
    from ringfence.app.doctor.gather_texts import Texts
    from ringfence.app.doctor.report import as_json as json_of
    from ringfence.app.doctor.report import as_lines
    from ringfence.app.wiring.stored import stored_runs
    from ringfence.core.model.identifiers import Millis
    from ringfence.errors import Error

    file = config or DEFAULT
    place = state_directory(state, os.environ, Path.cwd())
    has_config, has_state = os.path.isfile(file), os.path.isdir(place)
    if state is not None and not has_state:
        fail(f"{place}: no such directory", "name the one that `ringfence up --state` uses", UNAVAILABLE, as_json=as_json)
    if not has_config and (config is not None or not has_state):
        fail(f"{file}: no such file", "name the configuration with --config", USAGE, as_json=as_json)
    texts = Texts()
    around = Surroundings(
        config=file if has_config else None,
        state=place if has_state else None,
        home=Path(os.environ.get("HOME") or Path.home()),
        here=Path.cwd(),
        environment=dict(os.environ),
        own_uid=os.getuid(),
        now=Millis(time.time_ns() // 1_000_000),
        ask=_asking(place),
        stored_runs=stored_runs,
    )
    try:
        found = examine(around, texts)
        answer, lines = json_of(found, texts.cleaned), list(as_lines(found, texts.cleaned))
    except Error as error:
        fail_with(error, UNAVAILABLE, as_json=as_json)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
    else:
        out = console()
        for style, line in lines:
            out.print(safe(line, style), soft_wrap=True)
    raise typer.Exit(REFUSED if found.is_serious else 0)


def _asking(state: Path) -> Ask:
    """Asks the gateway on a state directory as this local user."""
    import os

    from ringfence.app.cli.client import ControlClient, NotRunningError, Refusal
    from ringfence.app.cli.places import CONTROL_SOCKET, credential
    from ringfence.errors import UnavailableError

    def ask(path: str) -> Any:
        try:
            answer = ControlClient(state / CONTROL_SOCKET, credential(None, os.environ)).ask("GET", path)
        except NotRunningError:
            return None
        if isinstance(answer, Refusal):
            raise UnavailableError(answer.message, remedy=answer.remedy)
        return answer

    return ask
