"""`ringfence audit` and `ringfence explain`: what happened, why, and whether the log still says so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from ringfence.app.cli.options import REFUSED, As, AsJson, State

app = typer.Typer(no_args_is_help=True, help="The log: query, show, timeline, touched, verify, export.")

Entry = Annotated[str, typer.Argument(metavar="ENTRY", help="Such as e1042.")]


def _filter(name: str, about: str) -> Any:
    return typer.Option(name, help=about, show_default=False)


@app.command("query")
def query_(
    agent: Annotated[str | None, _filter("--agent", "Entries of this agent.")] = None,
    tool: Annotated[str | None, _filter("--tool", "Entries of this tool, `server.tool`.")] = None,
    run: Annotated[str | None, _filter("--run", "Entries of this run.")] = None,
    decision: Annotated[str | None, _filter("--decision", "allow, ask, deny; returned, ambiguous; approved ...")] = None,
    kind: Annotated[str | None, _filter("--kind", "decision, approval, outcome, control, run or gateway.")] = None,
    since: Annotated[str | None, _filter("--from", "Not before: ISO 8601 or milliseconds.")] = None,
    until: Annotated[str | None, _filter("--to", "Before this.")] = None,
    text: Annotated[str | None, _filter("--q", "Text that occurs in the entry.")] = None,
    call: Annotated[str | None, _filter("--call", "Entries of one call.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 50,
    cursor: Annotated[str | None, _filter("--cursor", "`next` of the page before.")] = None,
    oldest: Annotated[bool, typer.Option("--oldest", help="Oldest first.")] = False,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Search the log, newest first."""
    from ringfence.app.cli.desk import Desk, query
    from ringfence.app.cli.terminal import console, safe

    desk = Desk(state, as_name, as_json)
    path = query(
        "/audit", agent=agent, tool=tool, run=run, decision=decision, kind=kind, from_=since, to=until, q=text, call=call,
        limit=limit, cursor=cursor, order="oldest" if oldest else None,
    )  # fmt: skip
    answer = desk.ask("GET", path)
    if as_json:
        return desk.print_json(answer)
    _print_entries(answer["entries"])
    if answer["next"]:
        console().print(safe(f"more: --cursor {answer['next']}", "dim"))
    return None


@app.command("show")
def show(entry: Entry, state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Show one entry with the hash of its leaf."""
    import json

    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", f"/audit/{quote(entry, safe='')}")
    if as_json:
        return desk.print_json(answer)
    console().print(safe(json.dumps(answer["entry"], indent=2, ensure_ascii=False), one_line=False), soft_wrap=True)
    proof = answer["proof"]
    said = f"proof in the tree of {proof['tree_size']} entries" if proof else "no signed head covers it yet"
    console().print(safe(f"leaf {answer['leaf_hash']}; {said}", "dim"), soft_wrap=True)
    return None


@app.command("timeline")
def timeline(
    run: Annotated[str, typer.Argument(metavar="RUN")], state: State = None, as_name: As = None, as_json: AsJson = False
) -> None:
    """A run from beginning to end, with its child runs and the stops that reached it."""
    from ringfence.app.cli.desk import Desk, query

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", f"/runs/{quote(run, safe='')}/timeline?limit=2000")
    entries, page = list(answer["entries"]), answer
    while page["next"] is not None:
        page = desk.ask("GET", query(f"/runs/{quote(run, safe='')}/timeline", limit=2000, cursor=page["next"]))
        entries += page["entries"]
    if as_json:
        return desk.print_json({**answer, "entries": entries, "next": None})
    _print_entries(entries, answer["markers"])
    return None


@app.command("touched")
def touched(
    agent: Annotated[str | None, _filter("--agent", "What this agent touched.")] = None,
    run: Annotated[str | None, _filter("--run", "What this run, with its child runs, touched.")] = None,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Which objects were touched, by which tool, how often, with what outcome, undone or not."""
    from ringfence.app.cli.desk import Desk, query
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    if (agent is None) == (run is None):
        desk.usage("either --agent or --run", "`ringfence audit touched --run r_...`")
    answer = desk.ask("GET", query("/touched", agent=agent, run=run))
    if as_json:
        return desk.print_json(answer)
    columns = ("object", "tool", "effect", "calls", "returned", "ambiguous", "state")
    rows = table(*columns, "entries")
    for row in answer["touched"]:
        style = "bold red" if row["state"] in ("not undone", "partly undone") or row["ambiguous"] else "green"
        named = {**row, "object": row["object"] or "(unnamed)"}
        cells = [safe(named[column], style if column == "state" else "") for column in columns]
        rows.add_row(*cells, safe(" ".join(row["entries"][:8])))
    console().print(rows)
    if not answer["complete"]:
        console().print(safe("not everything was looked at: the log is longer than one answer", "bold red"))
    return None


@app.command("export")
def export(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; stdout where absent.", show_default=False)
    ] = None,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Write every leaf, one a line, and the signed head with its key on the last line: enough to verify offline."""
    import sys

    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    desk.ask("POST", "/audit/checkpoint", {})
    if output is None:
        for line in desk.lines("/audit/export"):
            sys.stdout.buffer.write(line + b"\n")
        return
    count = 0
    try:
        with output.open("xb") as file:
            for line in desk.lines("/audit/export"):
                file.write(line + b"\n")
                count += 1
    except OSError as error:
        desk.fail(f"{output} cannot be written: {error.strerror}", "name another file with --output", REFUSED)
    if as_json:
        desk.print_json({"written": str(output), "entries": count - 1})
    else:
        typer.echo(f"wrote {count - 1} entries and the signed head to {output}")


@app.command("verify")
def verify(
    file: Annotated[Path | None, typer.Option("--file", help="An export; else the gateway's log.", show_default=False)] = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="A signed head that you kept elsewhere.", show_default=False)
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="The log's public key in base64, kept elsewhere.", show_default=False)
    ] = None,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Check that the log still says what its head was signed over: nothing edited, removed, added, moved or cut off."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.verify import verify_export

    desk = Desk(state, as_name, as_json)
    if file is None:
        desk.ask("POST", "/audit/checkpoint", {})
    verify_export(desk, file, checkpoint, key)


def explain(entry: Entry, state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Say why in words, show the whole chain, and the smallest change that would have changed the answer."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.terminal import console, safe

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", f"/explain/{quote(entry, safe='')}")
    if as_json:
        return desk.print_json(answer)
    out = console()
    out.print(safe(answer["in_words"], "bold"), soft_wrap=True)
    for reason in answer["reasons"]:
        detail = f": {reason['detail']}" if reason["detail"] else ""
        out.print(safe(f"\n{reason['code']}  {reason['meaning']}{detail}", one_line=False), soft_wrap=True)
        change = reason["smallest_change"]
        path = f"  ({change['path']})" if change["path"] else ""
        out.print(safe(f"  smallest change: {change['text']}{path}", "cyan"), soft_wrap=True)
    out.print()
    _print_entries(answer["chain"])
    return None


_STYLES = {"deny": "red", "halt": "bold red", "ask": "yellow", "denied": "red", "ambiguous": "bold yellow", "kill": "bold red"}


def _print_entries(entries: list[dict[str, Any]], markers: dict[str, str | None] | None = None) -> None:
    from ringfence.app.cli.terminal import console, safe, table

    places = {entry: name.replace("_", " ") for name, entry in (markers or {}).items() if entry}
    rows = table("entry", "time", "kind", "what", "by", *(["marker"] if markers else []))
    for entry in entries:
        cells = [safe(entry["id"], "dim"), safe(entry["time"], "dim"), safe(entry["kind"])]
        cells += [safe(entry["summary"], _STYLES.get(entry["decision"] or "", "")), safe(entry["by"])]
        rows.add_row(*cells, *([safe(places.get(entry["id"], ""), "bold")] if markers else []))
    console().print(rows)
