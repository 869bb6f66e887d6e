"""`ringfence run`: pieces of work by agents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from ringfence.app.cli.bindings import Bind, DpopKey, binding_of, bound_text, say_binding
from ringfence.app.cli.boxed import RunGroup, boxed
from ringfence.app.cli.grants import Bounds, Calls, Depth, Tools, Ttl, asked_of, say_dropped
from ringfence.app.cli.labels import in_words
from ringfence.app.cli.options import As, AsJson, Reason, State
from ringfence.app.cli.results import export
from ringfence.core.explaining.plain_text import plain

app = typer.Typer(cls=RunGroup, invoke_without_command=True, no_args_is_help=False, callback=boxed)


app.command("export")(export)


@app.command("start")
def start(
    agent: Annotated[str, typer.Option("--agent", "-a", help="A configured agent.", show_default=False)],
    task: Annotated[str, typer.Option("--task", "-t", help="What it is to do, in your words.", show_default=False)],
    parent: Annotated[str | None, typer.Option("--parent", help="The run that this is a child of.", show_default=False)] = None,
    continues: Annotated[
        str | None,
        typer.Option("--continues", help="The run whose work it goes on with: it begins with its label.", show_default=False),
    ] = None,
    with_words: Annotated[
        bool, typer.Option("--with-words", help="With --continues: what was said to that run counts here too.")
    ] = False,
    result_schema: Annotated[
        Path | None,
        typer.Option(
            "--result-schema",
            help="With --parent: a file with the JSON Schema of what the child hands back.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="You end it: it does not end when a person leaves the client that works in it.")
    ] = False,
    tools: Tools = None,
    bound: Bounds = None,
    calls: Calls = None,
    depth: Depth = None,
    ttl: Ttl = None,
    dpop_jkt: DpopKey = None,
    bind: Bind = None,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Open a run and show its credential, once."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.handoff import schema_from

    desk = Desk(state, as_name, as_json)
    given = asked_of(tools, bound, calls, depth, ttl)
    if with_words and continues is None:
        desk.usage("--with-words needs --continues RUN: whose words they are")
    goes_on = {"continues": continues, "with_words": with_words} if continues else {}
    above = {"parent": parent} if parent else {}
    owed = {"result_schema": schema_from(desk, result_schema)} if result_schema else {}
    kept = {"kept": True} if keep else {}
    body = {"agent": agent, "task": task, **above, **owed, **kept, **goes_on, **binding_of(bind, dpop_jkt), **given}
    answer = desk.ask("POST", "/runs", body)
    if as_json:
        return desk.print_json(answer)
    typer.echo(f"run         {answer['run']}")
    typer.echo(f"credential  {answer['credential']}")
    typer.echo(f"expires     {answer['expires_at'] or 'never'} unless it is renewed")
    if continues:
        typer.echo(f"label       {in_words(answer['label'])}")
    say_dropped(answer)
    say_binding(answer)
    return None


@app.command("list")
def list_(
    agent: Annotated[str | None, typer.Option("--agent", "-a", help="Only this agent's.", show_default=False)] = None,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """List the open runs."""
    from ringfence.app.cli.desk import Desk, query
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", query("/runs", agent=agent))
    if as_json:
        return desk.print_json(answer)
    rows = table("run", "agent", "state", "bound to", "calls", "label", "opened", "by", "task")
    for run in answer["runs"]:
        cap = f"/{run['calls_cap']}" if run["calls_cap"] is not None else ""
        calls = f"{run['calls_spent'] + run['calls_held']}{cap}"
        rows.add_row(*(safe(run[name]) for name in ("id", "agent", "state")), safe(bound_text(run["bound_to"])), safe(calls),
                     safe(in_words(run["label"])), safe(run["opened_at"]),
                     safe(run["opened_by"]), safe(run["task"][:80]))  # fmt: skip
    console().print(rows)
    return None


@app.command("show")
def show(run: str, state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Show one run."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", f"/runs/{quote(run, safe='')}")
    if as_json:
        return desk.print_json(answer)
    rows = table("", "")
    for name, value in answer.items():
        shown = _in_words(name, value)
        rows.add_row(safe(name.replace("_", " "), "dim"), safe(shown, one_line=False))
    console().print(rows)
    return None


def _in_words(name: str, value: Any) -> Any:
    """What `run show` says of one field."""
    match name:
        case "label" | "own_label" | "next_run_begins_with":
            return in_words(value) if value is not None else ""
        case "label_above":
            return "\n".join(f"{above['run']}: {in_words(above['label'])}" for above in value)
        case "label_from":
            return "\n".join(f"{source['entry']} {source['tool']}: {in_words(source['label'])}" for source in value)
        case "words":
            return "\n".join(f"{said['by']}, {said['at']}: {said['text']}" for said in value)
        case _:
            return ", ".join(map(str, value)) if isinstance(value, list) else value


@app.command("say")
def say(
    run: str,
    text: Annotated[
        str | None, typer.Argument(help="In your words. Else from --file, or standard input.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", help="Read the words from this file; `-` is standard input.", show_default=False),
    ] = None,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Say something to an open run. It counts as trusted words from then on."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.words import words_from

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("POST", f"/runs/{quote(run, safe='')}/words", {"text": words_from(desk, text, file)})
    if as_json:
        return desk.print_json(answer)
    typer.echo(f"said to run {answer['run']} by {answer['by']} ({answer['entry']})")
    return None


@app.command("readmit")
def readmit(run: str, state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Let somebody in again whom an issuer or certificate vouches for, and whose run was ended."""
    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("POST", f"/runs/{quote(run, safe='')}/readmit", {})
    if as_json:
        return desk.print_json(answer)
    # Somebody else has chosen this name.
    subject = plain(answer["opened_by"].removeprefix("outside:"), 1000)
    typer.echo(f"run {answer['id']} of agent {answer['agent']} stands for {subject}")
    return None


@app.command("close")
def close(run: str, reason: Reason = "", state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """End a run: its credentials are revoked, its approvals withdrawn."""
    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("POST", f"/runs/{quote(run, safe='')}/close", {"reason": reason} if reason else {})
    if as_json:
        return desk.print_json(answer)
    typer.echo(f"run {answer['id']} is closed; {len(answer['withdrawn'])} approvals withdrawn")
    return None
