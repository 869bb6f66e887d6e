"""`ringfence kill`, `unkill`, `pause`, `resume` and `stops`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.app.cli.options import As, AsJson, Reason, State, Yes

if TYPE_CHECKING:
    from ringfence.app.cli.desk import Desk

KINDS = ("everything", "agent", "run", "server", "tool")

Kind = Annotated[str, typer.Argument(metavar="KIND", help="everything, agent, run, server or tool; or a run's id.")]
Target = Annotated[str | None, typer.Argument(metavar="[NAME]", help="Which one.", show_default=False)]
ForAgent = Annotated[
    str | None, typer.Option("--agent", "-a", help="Where KIND is tool: for this agent only.", show_default=False)
]
What = Annotated[str, typer.Argument(metavar="STOP|KIND", help="A stop's id, or what was stopped.")]
Confirm = Annotated[bool, typer.Option("--confirm", help="The second confirmation, where you are the only admin.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("kill")(kill)
    app.command("pause")(pause)
    app.command("unkill")(unkill)
    app.command("lift", hidden=True)(unkill)
    app.command("resume")(resume)
    app.command("stops")(stops)


def kill(
    kind: Kind, target: Target = None, agent: ForAgent = None, reason: Reason = "", yes: Yes = False,
    state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Stop now: no new call starts, calls under way are cancelled, approvals withdrawn. Holds over restarts."""
    from ringfence.app.cli.desk import Desk, is_person

    desk = Desk(state, as_name, as_json)
    body = _scope(desk, kind, target, agent)
    if body["scope"]["kind"] == "everything" and not yes and is_person():
        typer.confirm("Kill everything: every call of every agent?", abort=True)
    tell(desk, desk.ask("POST", "/kill", {**body, **_why(reason)}))


def pause(
    kind: Kind, target: Target = None, agent: ForAgent = None, reason: Reason = "",
    state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Hold: as a kill, but approvals keep waiting and any approver may resume."""
    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    tell(desk, desk.ask("POST", "/pause", {**_scope(desk, kind, target, agent), **_why(reason)}))


def unkill(
    what: What, target: Target = None, agent: ForAgent = None, reason: Reason = "", confirm: Confirm = False,
    state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Lift a kill. Needs a reason, and another admin than the one who set it where there is one."""
    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    body: dict[str, Any] = {**_which(desk, what, target, agent), **_why(reason), "confirm": confirm}
    _lifted(desk, desk.ask("DELETE", "/kill", body))


def resume(
    what: What, target: Target = None, agent: ForAgent = None, reason: Reason = "",
    state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Lift a pause."""
    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    _lifted(desk, desk.ask("POST", "/resume", {**_which(desk, what, target, agent), **_why(reason)}))


def stops(state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """List every kill, pause and disable in force."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", "/stops")
    if as_json:
        return desk.print_json(answer)
    if not answer["stops"]:
        console().print(safe("nothing is stopped"))
        return None
    rows = table("id", "what", "by", "at", "reason")
    for stop in answer["stops"]:
        rows.add_row(*(safe(stop[name]) for name in ("id", "text", "by", "at", "reason")))
    console().print(rows)
    return None


def tell(desk: Desk, answer: dict[str, Any]) -> None:
    """The acknowledgement of a stop, for people: what was under way, and what next."""
    if desk.as_json:
        return desk.print_json(answer)
    from ringfence.app.cli.terminal import console, safe

    out = console()
    stop = answer["stop"]
    out.print(safe(f"in force: {stop['text']} ({stop['id']}, entry {answer['entry'] or 'not written'})", "bold"))
    if not answer["durable"]:
        out.print(safe(answer["warning"], "bold red"))
    for call in answer["inflight"]:
        sent = "was sent, so it may have taken effect" if call["sent"] else "was not sent"
        ended = "" if call["ended"] else "; it has not come to its end yet"
        out.print(safe(f"  under way: {call['tool']} of {call['agent']} ({call['entry']}): {sent}{ended}", "yellow"))
    if not answer["inflight"]:
        out.print(safe("  no call was under way"))
    for ticket in answer["withdrawn"]:
        out.print(safe(f"  approval withdrawn: {ticket}"))
    lift = {"kill": "unkill", "pause": "resume"}.get(stop["mode"])
    target = f"ringfence {lift} {stop['id']}" if lift else f"ringfence tool enable {stop['scope']['target']}"
    out.print(safe(f"next: `ringfence audit query` shows what it did; `{target}` lets it go on", "dim"))
    return None


def _lifted(desk: Desk, answer: dict[str, Any]) -> None:
    if desk.as_json:
        return desk.print_json(answer)
    from ringfence.app.cli.terminal import console, safe

    for lifted in answer["lifted"]:
        alone = ", by a single person" if lifted["single_person"] else ""
        console().print(safe(f"lifted: {lifted['stop']['text']} (entry {lifted['entry']}{alone})", "green"))
    return None


def _scope(desk: Desk, kind: str, target: str | None, agent: str | None) -> dict[str, Any]:
    if kind.startswith("r_") and target is None:
        kind, target = "run", kind
    if kind not in KINDS:
        desk.usage(f"`{kind}` is nothing that can be stopped", f"one of: {', '.join(KINDS)}")
    if (kind == "everything") == (target is not None):
        desk.usage("everything needs no name" if target else f"which {kind}?", f"`ringfence kill {kind} NAME`")
    if agent is not None and kind != "tool":
        desk.usage("--agent narrows a tool only", f"`ringfence kill agent {agent}` stops the agent")
    return {"scope": {"kind": kind, "target": target or "", **({"agent": agent} if agent else {})}}


def _which(desk: Desk, what: str, target: str | None, agent: str | None) -> dict[str, Any]:
    return {"id": what} if what.startswith("s_") and target is None else _scope(desk, what, target, agent)


def _why(reason: str) -> dict[str, str]:
    return {"reason": reason} if reason else {}
