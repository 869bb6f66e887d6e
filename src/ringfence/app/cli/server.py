"""`ringfence server`: how the upstream servers are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from ringfence.app.cli.options import As, AsJson, State

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="Upstream servers: list, show.")

Server = Annotated[str, typer.Argument(metavar="SERVER", help="The server's id.", show_default=False)]

_STYLES = {"up": "green", "idle": "green", "starting": "yellow", "backing_off": "yellow"}


@app.command("list")
def list_(state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """List every server with its state, and what is wrong where something is."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", "/servers")
    if as_json:
        return desk.print_json(answer)
    rows = table("server", "state", "says", "transport", "era", "listed", "tools", "quarantined", "restarts")
    for server in answer["servers"]:
        quarantined = safe(server["quarantined"], "bold red" if server["quarantined"] else "")
        more = (safe(server[name]) for name in ("transport", "era", "listed_at", "tools"))
        add_server(rows, server, *more, quarantined, safe(server["restarts"]))
    console().print(rows)
    return None


@app.command("show")
def show(server: Server, state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Show one server, with what is quarantined of it and the last lines that it wrote to stderr."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe

    desk = Desk(state, as_name, as_json)
    found = desk.ask("GET", f"/servers/{quote(server, safe='')}")
    if as_json:
        return desk.print_json(found)
    out = console()
    out.print(safe(found["id"], "bold"), safe(_word(found["state"]), _STYLES.get(found["state"], "bold red")))
    out.print(safe(f"  {found['says']}"), soft_wrap=True)
    names = ("transport", "era", "failing_since", "next_try_at", "error", "error_at", "listed_at", "tools", "quarantined")
    for name in (*names, "restarts", "running"):
        if found[name] not in (None, ""):
            out.print(safe(f"{_word(name)}: {found[name]}"), soft_wrap=True)
    if found["boxed"] is not None:
        out.print(safe(f"in a box: {', '.join(found['boxed']) or 'none was made yet'}"), soft_wrap=True)
    for definition in found["quarantined_definitions"]:
        out.print(safe(f"  quarantined: {definition}", "bold red"), soft_wrap=True)
    for kind, times in found["oddities"].items():
        out.print(safe(f"  {times} times: {kind}", "yellow"), soft_wrap=True)
    for stop in found["stops"]:
        out.print(safe(f"in force: {stop['text']} ({stop['id']}, {stop['by']}): {stop['reason']}", "bold red"))
    if found["stderr"] is None:
        out.print(safe("what it wrote to stderr is for admins", "dim"))
    for line in found["stderr"] or ():
        out.print(safe(f"  | {line}", "dim"), soft_wrap=True)
    return None


def add_server(rows: Table, server: dict[str, Any], *more: Any) -> None:
    """One row that begins with a server's id, state and words."""
    from ringfence.app.cli.terminal import safe

    style = _STYLES.get(server["state"], "bold red")
    rows.add_row(safe(server["id"]), safe(_word(server["state"]), style), safe(server["says"]), *more)


def _word(name: str) -> str:
    return name.replace("_", " ")
