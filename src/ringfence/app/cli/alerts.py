"""`ringfence alerts`: who is told, and whether they can be."""

from __future__ import annotations

import typer

from ringfence.app.cli.options import REFUSED, As, AsJson, State

app = typer.Typer(no_args_is_help=True, help="Alerts: who is told, and whether they can be.")


@app.command("list")
def list_(state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Show who is told, what waits for them, and what they said last."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", "/alerts")
    if as_json:
        return desk.print_json(answer)
    rows = table("receiver", "kinds", "waiting", "delivered", "lost", "last answer", "at")
    for each in answer["receivers"]:
        kinds = ", ".join(each["kinds"]) or "all"
        lost = safe(str(each["lost"]), "bold red") if each["lost"] else safe("0")
        rows.add_row(safe(each["receiver"]), safe(kinds), safe(str(each["waiting"])), safe(str(each["delivered"])), lost,
                     safe(each["last"]), safe(each["last_at"] or ""))  # fmt: skip
    console().print(rows)
    return None


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
