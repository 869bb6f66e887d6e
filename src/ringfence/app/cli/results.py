"""`ringfence run export RUN`, and what is said of results. What an agent wrote is shown with every character spelled out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.app.cli.options import REFUSED, UNAVAILABLE, As, AsJson, State
from ringfence.core.explaining.plain_text import plain

if TYPE_CHECKING:
    from ringfence.app.boxes.handing import Handed

SHOWN = 10
"""Paths that are named on the terminal."""


def view_of(result: Handed) -> dict[str, Any]:
    """As JSON."""
    return {**asdict(result), "protected": list(result.protected)}


def say_result(run: str, result: Handed, tell: Callable[[str], None]) -> None:
    """What came of what a run has committed."""
    size = f"{_counted(result.commits, 'commit')}, {_counted(result.paths, 'path')}"
    match result.state:
        case "landed":
            tell(f"its result is branch {result.branch}: {size} ({result.entry})")
        case "waiting":
            tell(f"its result waits for a person, because of protected paths: {size}")
            for path in result.protected[:SHOWN]:
                tell(f"  {plain(path)}")
            if len(result.protected) > SHOWN:
                tell(f"  and {len(result.protected) - SHOWN} more")
            tell(f"  ringfence approvals show {result.ticket}, then ringfence run export {run}")
        case "nothing":
            tell("nothing was committed, so there is no result")
        case "denied":
            tell(f"a person has denied its result: {plain(result.why)}")
        case "refused":
            tell(f"its result does not leave: {plain(result.why)}")
        case _:
            tell(f"its result could not be handed over: {plain(result.why)}")
    if result.changed:
        tell(f"{_counted(result.changed, 'file')} changed and not committed are gone; `--commit` would keep them")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def export(
    run: Annotated[str, typer.Argument(help="A run whose result waits.", show_default=False)],
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for a person who has not decided yet.")] = False,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a result that was left waiting, once a person has approved it."""
    import sys

    from ringfence.app.cli.desk import Desk
    from ringfence.app.wiring.sandbox import fetch_result
    from ringfence.errors import UnavailableError

    desk = Desk(state, as_name, as_json)

    def tell(line: str) -> None:
        if not desk.as_json:
            print(f"ringfence: {line}", file=sys.stderr, flush=True)

    try:
        result = fetch_result(desk.state, run, tell, wait=not no_wait)
    except UnavailableError as error:
        desk.fail(str(error), error.remedy, UNAVAILABLE)
    if desk.as_json:
        desk.print_json({"run": run, "result": view_of(result)})
    say_result(run, result, tell)
    raise typer.Exit(0 if result.state == "landed" else REFUSED)
