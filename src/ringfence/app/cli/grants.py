"""What a new run is given, on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ringfence.app.config.scalars import as_seconds

Tools = Annotated[
    str | None,
    typer.Option("--tools", help="Only these tools: ids or patterns, separated by commas.", metavar="A,B", show_default=False),
]
Bounds = Annotated[
    list[str] | None,
    typer.Option(
        "--bound",
        help="A condition on arguments, `payments.refund:/amount<=50`; may be repeated, all have to hold.",
        metavar="TOOL:CONDITION",
        show_default=False,
    ),
]
Calls = Annotated[
    int | None, typer.Option("--calls", help="The most calls of it with its child runs.", min=1, show_default=False)
]
Depth = Annotated[
    int | None, typer.Option("--depth", help="How many generations may follow it.", min=0, max=8, show_default=False)
]
Ttl = Annotated[
    str | None,
    typer.Option("--ttl", help="How long it may live, renewed or not: `10m`.", metavar="TIME", show_default=False),
]


def asked_of(
    tools: str | None, bounds: list[str] | None, calls: int | None, depth: int | None, ttl: str | None
) -> dict[str, Any]:
    """What the request says of it; nothing: everything that its agent, or its parent, has."""
    seconds = None if ttl is None else as_seconds(ttl)
    if ttl is not None and seconds is None:
        raise typer.BadParameter("--ttl takes a time such as 90s, 10m or 2h")
    named = None if tools is None else [name for name in (part.strip() for part in tools.split(",")) if name]
    given = {"tools": named, "bounds": bounds or None, "calls": calls, "depth": depth, "ttl_s": seconds}
    return {name: value for name, value in given.items() if value is not None}


def say_dropped(answer: Mapping[str, Any]) -> None:
    """What was asked for and not given."""
    for what in answer["dropped"]:
        typer.echo(f"not given   {what}: the run above it does not have it, or the agent does not")
