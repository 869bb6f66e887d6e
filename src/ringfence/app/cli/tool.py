"""`ringfence tool`: what tools can do, and switching them off and on."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from ringfence.app.cli.options import As, AsJson, Reason, State

app = typer.Typer(no_args_is_help=True, help="Tools: list, disable, enable.")

ForAgent = Annotated[str | None, typer.Option("--agent", "-a", help="For this agent only.", show_default=False)]


@app.command("list")
def list_(state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """List every configured tool, what gates it and who has it."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", "/tools")
    if as_json:
        return desk.print_json(answer)
    rows = table("tool", "effect", "a person is asked because", "unless", "agents", "off")
    for tool in answer["tools"]:
        off = "; ".join(stop["text"] for stop in tool["disabled"])
        rows.add_row(
            safe(tool["id"]), safe(tool["effect"]), safe(", ".join(tool["gates"])), safe("; ".join(tool["smaller_when"])),
            safe(", ".join(tool["agents"])), safe(off, "bold red"),
        )  # fmt: skip
    console().print(rows)
    return None


@app.command("disable")
def disable(
    tool: str, agent: ForAgent = None, reason: Reason = "", state: State = None, as_name: As = None, as_json: AsJson = False
) -> None:
    """Switch a tool off at once, for everybody or for one agent. No deploy, no restart."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.stop import tell

    desk = Desk(state, as_name, as_json)
    tell(desk, desk.ask("POST", f"/tools/{quote(tool, safe='')}/disable", _body(agent, reason)))


@app.command("enable")
def enable(
    tool: str, agent: ForAgent = None, reason: Reason = "", state: State = None, as_name: As = None, as_json: AsJson = False
) -> None:
    """Switch a tool on again."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("POST", f"/tools/{quote(tool, safe='')}/enable", _body(agent, reason))
    if as_json:
        return desk.print_json(answer)
    for lifted in answer["lifted"]:
        console().print(safe(f"lifted: {lifted['stop']['text']} ({lifted['entry']})", "green"))
    if not answer["lifted"]:
        console().print(safe("it was not switched off in this scope"))
    for stop in answer["still_disabled"]:
        console().print(safe(f"still in force: {stop['text']}", "bold red"))
    return None


def _body(agent: str | None, reason: str) -> dict[str, Any]:
    return {**({"agent": agent} if agent else {}), **({"reason": reason} if reason else {})}
