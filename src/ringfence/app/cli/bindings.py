"""To whom a new credential is bound, on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

DpopKey = Annotated[
    str | None,
    typer.Option(
        "--dpop-jkt", help="Bind the credential to a DPoP key: its SHA-256 thumbprint (RFC 7638).", show_default=False
    ),
]
Bind = Annotated[
    str | None,
    typer.Option(
        "--bind",
        help="Bind the credential to a sender: `uid:1000`, `x5t:CERTIFICATE_SHA256` or `jkt:KEY_SHA256` (base64url).",
        show_default=False,
    ),
]
_KEY = "jkt:"


def binding_of(bind: str | None, dpop_jkt: str | None) -> dict[str, str]:
    """What the request says of it; nothing: unbound."""
    if bind and dpop_jkt:
        raise typer.BadParameter("a credential is bound to one sender: --bind or --dpop-jkt")
    binding = bind or (dpop_jkt and _KEY + dpop_jkt.removeprefix(_KEY))
    return {"binding": binding} if binding else {}


def bound_text(bindings: Sequence[str]) -> str:
    """For a table: kinds with the beginning of what they name."""
    return ", ".join(binding if len(binding) < 20 else f"{binding[:12]}…" for binding in bindings) or "-"


def say_binding(answer: Mapping[str, Any]) -> None:
    """How the credential just shown is sent, and by whom."""
    bound = answer["bound_to"]
    scheme = "DPoP" if _KEY in bound else "Bearer"
    typer.echo(f"bound to    {bound}")
    typer.echo(f"\nThe agent's client sends it as `Authorization: {scheme} CREDENTIAL`. It is shown once.")
    if bound == "nobody":
        typer.echo("It is bound to nobody: whoever learns it can use it while the run lives (docs/credentials.md).")
