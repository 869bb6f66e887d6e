"""`ringfence handoff`: what child runs hand to the runs above them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import typer

from ringfence.app.cli.labels import in_words
from ringfence.app.cli.options import As, AsJson, State

if TYPE_CHECKING:
    from ringfence.app.cli.desk import Desk

_MOST: Final = 64 * 1024
"""Bytes of a schema that are read at most; what is too long is refused by the gateway, in its words."""

app = typer.Typer(help="What child runs hand to the runs above them.", no_args_is_help=True)


@app.callback()
def handoff() -> None:
    """What child runs hand to the runs above them."""


@app.command("show")
def show(run: str, state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Show what a child run owes the run above it, and what it has handed over. Secrets are masked."""
    import json

    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", f"/runs/{quote(run, safe='')}/handoff")
    if as_json:
        return desk.print_json(answer)
    facts = {"run": answer["run"], "to": answer["parent"], "schema": json.dumps(answer["schema"])}
    if not answer["handed"]:
        facts["result"] = "nothing was handed over so far"
    else:
        fixed = "its schema leaves no room for text" if answer["typed"] else "its schema leaves room for text"
        facts |= {
            "handed over": f"{answer['at']}, {answer['bytes']} bytes, {fixed}",
            "label": in_words(answer["label"]),
            "brings": in_words(answer["brings"]),
            "result": "withheld: it could not be scanned" if answer["withheld"] else json.dumps(answer["result"], indent=2),
        }
    rows = table("", "")
    for name, value in facts.items():
        rows.add_row(safe(name, "dim"), safe(value, one_line=False))
    console().print(rows)
    return None


def schema_from(desk: Desk, file: Path) -> Any:
    """The JSON Schema in a file. Ends the command where it cannot be read; whether it can be used the gateway says."""
    from ringfence.core.strict_json.canonical import parse_strict
    from ringfence.errors import RequestError

    try:
        with file.open("rb") as opened:
            return parse_strict(opened.read(_MOST))
    except (OSError, RequestError) as error:
        desk.usage(f"the result schema cannot be read: {error}")
