"""`ringfence budget`: what is used of every limit, adding to one run's cap, and what was added."""

from __future__ import annotations

from typing import Annotated

import typer

from ringfence.app.cli.options import As, AsJson, State

app = typer.Typer(no_args_is_help=True, help="Budgets: what is used of every limit; raise a cap of one run.")


@app.command("show")
def show(
    run: Annotated[str | None, typer.Argument(help="An open run.", show_default=False)] = None,
    agent: Annotated[
        str | None, typer.Option("--agent", "-a", help="What all runs of this agent share.", show_default=False)
    ] = None,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Show every meter: used, held, cap, window, and when something is free again."""
    from ringfence.app.cli.desk import Desk, query
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    if (run is None) == (agent is None):
        desk.usage("say whose budget: a run, or --agent NAME")
    answer = desk.ask("GET", query("/budget", run=run, agent=agent))
    if as_json:
        return desk.print_json(answer)
    rows = table("meter", "used", "held", "cap", "left", "window", "frees at")
    for meter in answer["meters"]:
        window = f"{meter['window_s']} s" if meter["window_s"] else ""
        cap = f"{meter['cap']} (+{meter['added']})" if str(meter["added"]) != "0" else meter["cap"]
        rows.add_row(safe(meter["meter"]), *(safe(meter[name]) for name in ("used", "held")), safe(cap), safe(meter["left"]),
                     safe(window), safe(meter["frees_at"] or ""))  # fmt: skip
    console().print(rows)
    return None


@app.command("raise")
def raise_(
    run: str,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why, for the log.", show_default=False)],
    calls: Annotated[str | None, typer.Option("--calls", metavar="+N", help="Add to its calls.", show_default=False)] = None,
    rows: Annotated[str | None, typer.Option("--rows", metavar="+N", help="Add to its rows.", show_default=False)] = None,
    spend: Annotated[
        str | None, typer.Option("--spend", metavar="+N", help="Add to what models may cost it.", show_default=False)
    ] = None,
    tokens: Annotated[str | None, typer.Option("--tokens", metavar="+N", help="Add to its tokens.", show_default=False)] = None,
    tokens_in: Annotated[
        str | None, typer.Option("--tokens-in", metavar="+N", help="Add to those that models take in.", show_default=False)
    ] = None,
    tokens_out: Annotated[
        str | None, typer.Option("--tokens-out", metavar="+N", help="Add to those that they give out.", show_default=False)
    ] = None,
    model_calls: Annotated[
        str | None, typer.Option("--model-calls", metavar="+N", help="Add to its requests to models.", show_default=False)
    ] = None,
    meter: Annotated[
        str | None, typer.Option("--meter", help="Another meter of its own, as `budget show` names it.", show_default=False)
    ] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="+N", help="How much, with --meter.", show_default=False)] = None,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Add to one cap of a run. It is recorded, and never more than the runs above it have left."""
    from ringfence.app.cli.desk import Desk

    desk = Desk(state, as_name, as_json)
    given = {
        "calls": calls,
        "rows": rows,
        "spend": spend,
        "tokens": tokens,
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "model_calls": model_calls,
        meter or "": by if meter else None,
    }
    asked = {name: text for name, text in given.items() if text is not None}
    if len(asked) != 1 or (meter is None) != (by is None):
        desk.usage(
            "say what is raised: one of --calls, --rows, --spend, --tokens, --tokens-in, --tokens-out or --model-calls +N, "
            "or --meter NAME --by +N"
        )
    ((name, text),) = asked.items()
    answer = desk.ask("POST", "/budget/raise", {"run": run, "meter": name, "by": text, "reason": reason})
    if as_json:
        return desk.print_json(answer)
    now = answer["meter"]
    typer.echo(f"{now['meter']}: {now['used']} of {now['cap']} used, {now['left']} left ({answer['entry']})")
    return None


@app.command("history")
def history(
    run: Annotated[str | None, typer.Argument(help="A run; every run's where absent.", show_default=False)] = None,
    agent: Annotated[str | None, typer.Option("--agent", "-a", help="Of this agent's runs.", show_default=False)] = None,
    state: State = None,
    as_name: As = None,
    as_json: AsJson = False,
) -> None:
    """Show which caps were raised: when, by whom, by how much and why. Newest first."""
    from ringfence.app.cli.desk import Desk, query
    from ringfence.app.cli.terminal import console, safe, table

    desk = Desk(state, as_name, as_json)
    answer = desk.ask("GET", query("/budget/history", run=run, agent=agent))
    if as_json:
        return desk.print_json(answer)
    rows = table("time", "who", "meter", "by", "why", "entry")
    for one in answer["raises"]:
        meter = one["meter"] if ":" in str(one["meter"]) else f"{one['meter']} of {one['run']}"
        rows.add_row(
            *(safe(str(text)) for text in (one["time"], one["who"], meter, f"+{one['by']}", one["reason"], one["entry"]))
        )
    console().print(rows)
    return None
