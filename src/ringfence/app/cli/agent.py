"""`ringfence agent`: the registered agents."""

from __future__ import annotations

from urllib.parse import quote

import typer

from ringfence.app.cli.bindings import Bind, DpopKey, binding_of, say_binding
from ringfence.app.cli.options import As, AsJson, State

app = typer.Typer(no_args_is_help=True, help="Agents: list, static credential.")


@app.command("list")
def list_(state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """List agents with the tools that exist for each."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", "/agents")
    if as_json:
        return desk.print_json(answer)
    rows = table("agent", "purpose", "tools")
    for agent in answer["agents"]:
        tools = ", ".join(agent["tools"]) or f"none yet (granted: {', '.join(agent['granted'])})"
        rows.add_row(safe(agent["id"], "bold red" if agent["stopped"] else "bold"), safe(agent["purpose"]), safe(tools))
    console().print(rows)
    return None


@app.command("credential")
def credential(
    agent: str,
    dpop_jkt: DpopKey = None,
    bind: Bind = None,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Make a static credential for an agent that cannot open runs. Its standing run, if any, ends; a new one begins."""
    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("POST", f"/agents/{quote(agent, safe='')}/credential", binding_of(bind, dpop_jkt))
    if as_json:
        return desk.print_json(answer)
    typer.echo(f"run         {answer['run']}")
    typer.echo(f"credential  {answer['credential']}")
    say_binding(answer)
    typer.echo("It does not expire: prefer `ringfence connect`, whose credentials do.")
    return None
