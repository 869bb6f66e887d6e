"""Options that many commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DONE, REFUSED, USAGE, UNAVAILABLE = 0, 1, 2, 3
"""Exit codes of every command."""

State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="The gateway's state directory. Else $RINGFENCE_STATE, else the nearest .ringfence above here.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="NAME",
        help="Act as this operator, with the credential that `operator add --save` kept.",
        show_default=False,
    ),
]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, for the log.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
