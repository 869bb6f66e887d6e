"""`ringfence audit` and `ringfence explain`: what happened, why, and whether the log still says so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from ringfence.app.cli.audit_form import Form
from ringfence.app.cli.options import As, AsJson, State

app = typer.Typer(no_args_is_help=True, help="The log: query, show, timeline, touched, verify, export, prove.")


Entry = Annotated[str, typer.Argument(metavar="ENTRY", help="Such as e1042.")]


def _filter(name: str, about: str) -> Any:
    return typer.Option(name, help=about, show_default=False)


@app.command("query")
def query_(
    agent: Annotated[str | None, _filter("--agent", "Entries of this agent.")] = None,
    tool: Annotated[str | None, _filter("--tool", "Entries of this tool, `server.tool`.")] = None,
    run: Annotated[str | None, _filter("--run", "Entries of this run.")] = None,
    decision: Annotated[str | None, _filter("--decision", "allow, ask, deny; returned, ambiguous; approved ...")] = None,
    kind: Annotated[str | None, _filter("--kind", "decision, approval, outcome, control, run, observed or gateway.")] = None,
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
        Path | None,
        typer.Option("--output", "-o", help="A file, or a folder for tiles; else stdout.", show_default=False),
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", help="JSON lines to verify, CSV for spreadsheets, C2SP tiles for other verifiers.")
    ] = Form.JSONL,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an export that broke off.")] = False,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Write the log to where it can be verified without a gateway. The last line, or `checkpoint`, is the signed head."""
    from ringfence.app.cli.audit_export import export_to
    from ringfence.app.cli.desk import Desk

    export_to(Desk(state, as_name, as_json), form, output, resume=resume)


@app.command("key")
def key(state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Print the log's public key as verifiers take it. Keep it elsewhere: it is what everything is checked against."""
    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("POST", "/audit/checkpoint", {}, offline=True)
    if as_json:
        desk.print_json({"key": answer["key"]})
    else:
        typer.echo(answer["key"])


@app.command("checkpoint")
def checkpoint_(state: State = None, as_name: As = None, as_json: AsJson = False) -> None:
    """Sign the log as it is now and print the signed head. Keep it elsewhere: no older state passes beside it."""
    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("POST", "/audit/checkpoint", {}, offline=True)
    if as_json:
        desk.print_json(answer)
    else:
        typer.echo(answer["note"], nl=False)


@app.command("prove")
def prove(
    entry: Entry,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; else stdout.", show_default=False)] = None,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Write a proof of one entry that stands alone (C2SP tlog-proof): `audit verify --proof FILE --key KEY` checks it."""
    from ringfence.app.cli.audit_export import prove_entry
    from ringfence.app.cli.desk import Desk

    prove_entry(Desk(state, as_name, as_json), entry, output)


@app.command("verify")
def verify(
    file: Annotated[
        Path | None,
        typer.Option(
            "--export", "--file", help="A file, or a folder of tiles; else the gateway's own log.", show_default=False
        ),
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option("--checkpoint", help="A signed head that you kept elsewhere; may be repeated.", show_default=False),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help="The log's key, kept elsewhere, or a file with it: see `audit key`.", show_default=False),
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option("--witness", help="The key of a witness that must have cosigned: itself or a file.", show_default=False),
    ] = None,
    quorum: Annotated[
        int | None,
        typer.Option("--quorum", min=0, help="How many of the witnesses must have; else all.", show_default=False),
    ] = None,
    proof: Annotated[
        Path | None, typer.Option("--proof", help="Verify one entry by this file of `audit prove`.", show_default=False)
    ] = None,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Check that the log still says what was signed: nothing edited, removed, added, moved, cut off, put back or forked."""
    from ringfence.app.cli.desk import Desk
    from ringfence.app.cli.verify import Asked
    from ringfence.app.cli.verify import verify as verify_it

    desk = Desk(state, as_name, as_json)
    if proof is not None and (file is not None or checkpoint):
        desk.usage("a proof stands alone: without --export and --checkpoint")
    for given in [*(checkpoint or ()), *([file] if file else ()), *([proof] if proof else ())]:
        if not given.exists():
            desk.usage(f"{given} does not exist")
    if quorum is not None and quorum > len(witness or ()):
        desk.usage(f"a quorum of {quorum} needs as many --witness keys")
    asked = Asked(export=file, proof=proof, checkpoints=checkpoint or (), key=key, witnesses=witness or (), quorum=quorum)
    verify_it(desk, asked)


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
