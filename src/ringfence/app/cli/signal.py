"""`ringfence signal`: pause whoever listens to a named event."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ringfence.app.cli.options import As, AsJson, Reason, State

app = typer.Typer(no_args_is_help=True, help="Signals: events from outside that pause runs (`stop_when.signals`).")


@app.callback()
def group() -> None:
    """Signals: events from outside that pause runs (`stop_when.signals`)."""


@app.command("send")
def send(
    name: str,
    agent: Annotated[str | None, typer.Option("--agent", "-a", help="Runs of this agent alone.", show_default=False)] = None,
    run: Annotated[str | None, typer.Option("--run", help="This run alone.", show_default=False)] = None,
    reason: Reason = "", state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Pause every run whose agent listens to this signal; `ringfence resume` lets them go on."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe

    desk = Desk(state, as_name, as_json)
    if agent is not None and run is not None:
        desk.usage("either --agent or --run, not both", "a run belongs to one agent")
    body: dict[str, Any] = {"signal": name, **({"reason": reason} if reason else {})}
    body |= {key: value for key, value in (("agent", agent), ("run", run)) if value is not None}
    answer = desk.ask("POST", "/signals", body)
    if as_json:
        return desk.print_json(answer)
    for stopped in answer["stopped"]:
        stop = stopped["stop"]
        console().print(safe(f"in force: {stop['text']} ({stop['id']}, entry {stopped['entry'] or 'not written'})", "bold"))
        if not stopped["durable"]:
            console().print(safe(stopped["warning"], "bold red"))
        console().print(safe(f"next: `ringfence resume {stop['id']}` lets it go on", "dim"))
    return None
