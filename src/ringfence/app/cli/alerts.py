"""`ringfence alerts`: whether they arrive."""

from __future__ import annotations

import typer

from ringfence.app.cli.options import REFUSED, As, AsJson, State

app = typer.Typer(no_args_is_help=True, help="Alerts: whether those who are to be told can be.")


@app.callback()
def options() -> None:
    """Alerts: whether those who are to be told can be."""


@app.command("test")
def send_test(state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Send a test to every receiver and show what each answered. Ends with 1 where one did not take it."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("POST", "/alerts/test", {})
    receivers = answer["receivers"]
    if as_json:
        desk.print_json(answer)
    else:
        rows = table("receiver", "arrived", "answer")
        for each in receivers:
            arrived = safe("yes") if each["arrived"] else safe("no", "bold red")
            rows.add_row(safe(each["receiver"]), arrived, safe(each["answer"]))
        console().print(rows)
    if not all(each["arrived"] for each in receivers):
        raise typer.Exit(REFUSED)
