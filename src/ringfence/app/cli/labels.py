"""`ringfence endorse`, `declassify` and `labels`: lowering what rises by itself."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from ringfence.app.cli.options import As, AsJson, State

Run = Annotated[str | None, typer.Argument(help="An open run.", show_default=False)]
Agent = Annotated[
    str | None,
    typer.Option(
        "--agent", "-a", help="Instead: what this agent's own runs were given, and new ones begin with.", show_default=False
    ),
]
Memory = Annotated[str | None, typer.Option("--memory", help="Instead: what is kept with this server.", show_default=False)]
Why = Annotated[str, typer.Option("--reason", "-r", help="Why, for the log.", show_default=False)]
To = Annotated[str, typer.Option("--to", help="public, internal or confidential.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("endorse")(endorse)
    app.command("declassify")(declassify)
    app.command("labels")(labels)


def endorse(
    reason: Why, run: Run = None, agent: Agent = None, memory: Memory = None,
    state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Answer for it that what a run was given can be trusted: an untrusted run is trusted again."""
    _lower("endorse", {"reason": reason}, run, agent, memory, (state, as_name, as_json))


def declassify(
    to: To, reason: Why, run: Run = None, agent: Agent = None, memory: Memory = None,
    state: State = None, as_name: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Answer for it that what a run was given may be treated as less confidential."""
    _lower("declassify", {"to": to, "reason": reason}, run, agent, memory, (state, as_name, as_json))


def labels(state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """List the labels of what outlives runs: agents' own runs, and memories of servers."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", "/labels")
    if as_json:
        return desk.print_json(answer)
    rows = table("of", "name", "label")
    for place in answer["labels"]:
        rows.add_row(safe(place["kind"]), safe(place["name"]), safe(in_words(place["label"])))
    console().print(rows)
    return None


def in_words(label: Any) -> str:
    """A label for people: `untrusted, confidential`."""
    return f"{label['integrity']}, {label['confidentiality']}"


def _lower(act: str, body: dict[str, str], run: str | None, agent: str | None, memory: str | None, common: Any) -> None:
    from ringfence.app.cli.desk import Desk
    from ringfence.core.explaining.plain_text import plain

    state, as_name, as_json = common
    desk = Desk(state, as_name, as_json)
    if sum(one is not None for one in (run, agent, memory)) != 1:
        desk.usage("say whose label: one of RUN, --agent NAME or --memory SERVER")
    if run is not None:
        answer = desk.ask("POST", f"/runs/{quote(run, safe='')}/{act}", body)
    else:
        place = {"agent": agent} if agent is not None else {"memory": memory}
        answer = desk.ask("POST", f"/labels/{act}", {**body, **place})
    if as_json:
        return desk.print_json(answer)
    of = answer["of"]
    typer.echo(
        f"{of['kind']} {plain(of['name'])}: {in_words(answer['before'])} -> {in_words(answer['after'])} ({answer['entry']})"
    )
    for source in answer["answers_for"]:
        typer.echo(f"  answers for  {source['entry']} {plain(source['tool'])}: {in_words(source['label'])}")
    for above in answer["above"]:
        typer.echo(
            f"  run {above['run']} above it is {in_words(above['label'])}, and that counts here: lower it too, or it stays"
        )
    if answer["place"] is not None:
        typer.echo(f"  the next run that the agent opens itself begins as {in_words(answer['place'])} all the same (--agent)")
    if answer["below"]:
        typer.echo(f"  runs that keep their own label: {', '.join(answer['below'][:20])}")
    return None
