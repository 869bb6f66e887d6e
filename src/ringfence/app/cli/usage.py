"""`ringfence usage`: what models and tools were used for, by agent, team, tree, model, tool or day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from ringfence.app.cli.options import UNAVAILABLE, As, AsJson, State

ROWS = ("agent", "team", "tree", "run", "model", "upstream", "tool", "day")
COLUMNS = ("of", "requests", "tokens_in", "tokens_out", "spend", "tasks", "spend_per_task", "at_most", "under_way")
OF_TOOLS = (
    "of", "calls", "allowed", "asked", "denied", "returned", "failed", "not_sent", "ambiguous", "under_way", "took_s",
    "waited_s", "uses", "requests", "spend",
)  # fmt: skip


def usage(
    by: Annotated[
        str, typer.Option("--by", metavar="WHAT", help="agent, team, tree, run, model, upstream, tool or day.")
    ] = "agent",
    agent: Annotated[str | None, typer.Option("--agent", "-a", help="Of one agent.", show_default=False)] = None,
    run: Annotated[str | None, typer.Option("--run", help="Of a run with its child runs.", show_default=False)] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help="From then on.", show_default=False)] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Before.", show_default=False)] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Show what models were used for: requests, tokens, money, and money for each task; or what tools were."""
    from ringfence.app.cli.csv_cells import record
    from ringfence.app.cli.desk import Desk, query
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    if by not in ROWS:
        desk.usage(f"--by is one of {', '.join(ROWS)}")
    if as_csv and as_json:
        desk.usage("either --csv or --json")
    asked = query("/usage/lines", by=by, agent=agent, run=run, **{"from": since, "to": until})
    answer = _last(told(_parsed(desk.lines(asked)), quiet=as_json or as_csv))
    if "rows" not in answer:
        desk.fail("the gateway broke off", "`ringfence status` says how it is", UNAVAILABLE)
    if as_json:
        return desk.print_json(answer)
    columns = OF_TOOLS if by == "tool" else COLUMNS
    if as_csv:
        for cells in (columns, *([row[name] for name in columns] for row in answer["rows"])):
            typer.echo(record(cells))
        return None
    rows = table(answer["by"], *(name.replace("_", " ") for name in columns[1:]))
    for row in (*answer["rows"], answer["total"]):
        rows.add_row(*(safe("" if row[name] is None else str(row[name])) for name in columns))
    console().print(rows)
    return None


def _parsed(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    import json

    return (json.loads(line) for line in lines)


def told(answers: Iterable[dict[str, Any]], *, quiet: bool) -> Iterator[dict[str, Any]]:
    """Pass them on; a person at a terminal is told how far it has come."""
    import sys

    shown = not quiet and sys.stderr.isatty()
    told = False
    for answer in answers:
        if shown and "rows" not in answer:
            sys.stderr.write(f"\r{answer['entries']:,} entries read, at {answer['at']:,} of {answer['of']:,} ")
            sys.stderr.flush()
            told = True
        yield answer
    if told:
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()


def _last(answers: Iterable[dict[str, Any]]) -> dict[str, Any]:
    last: dict[str, Any] = {}
    for answer in answers:
        last = answer
    return last
