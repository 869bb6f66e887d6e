"""`ringfence usage`: what models were used for, by agent, team, tree, model or day."""

from __future__ import annotations

from typing import Annotated

import typer

from ringfence.app.cli.options import As, AsJson, State

ROWS = ("agent", "team", "tree", "run", "model", "upstream", "day")
COLUMNS = ("of", "requests", "tokens_in", "tokens_out", "spend", "tasks", "spend_per_task", "at_most", "under_way")


def usage(
    by: Annotated[str, typer.Option("--by", metavar="WHAT", help="agent, team, tree, run, model, upstream or day.")] = "agent",
    agent: Annotated[str | None, typer.Option("--agent", "-a", help="Of one agent.", show_default=False)] = None,
    run: Annotated[str | None, typer.Option("--run", help="Of a run with its child runs.", show_default=False)] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help="From then on.", show_default=False)] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Before.", show_default=False)] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Show what models were used for: requests, tokens, money, and money for each task."""
    from ringfence.app.cli.csv_cells import record
    from ringfence.app.cli.desk import Desk, query
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    if by not in ROWS:
        desk.usage(f"--by is one of {', '.join(ROWS)}")
    if as_csv and as_json:
        desk.usage("either --csv or --json")
    answer = desk.ask("GET", query("/usage", by=by, agent=agent, run=run, **{"from": since, "to": until}))
    if as_json:
        return desk.print_json(answer)
    listed = [*answer["rows"], answer["total"]]
    if as_csv:
        for cells in (COLUMNS, *([row[name] for name in COLUMNS] for row in answer["rows"])):
            typer.echo(record(cells))
        return None
    rows = table(answer["by"], *(name.replace("_", " ") for name in COLUMNS[1:]))
    for row in listed:
        rows.add_row(*(safe("" if row[name] is None else str(row[name])) for name in COLUMNS))
    console().print(rows)
    if not answer["complete"]:
        typer.echo("the log holds more than was looked at: ask for a span with --from and --to", err=True)
    return None
