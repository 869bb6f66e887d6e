"""`ringfence doctor sandbox`: each layer of a box, tried on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from ringfence.app.cli.options import REFUSED, AsJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringfence.core.model.box import BoxProfile, Layer
    from ringfence.ports.sandbox import Probed

DECIDES = "code"
"""The profile without which this machine is not fit for agents that write programs."""


def register(app: typer.Typer) -> None:
    app.command("sandbox")(sandbox)


def sandbox(as_json: AsJson = False) -> None:
    """Try each layer that a box is made of on this machine, and say what to install or enable.

    Ends with 0 where boxes of the profile `code` can be made, else with 1. Makes boxes of its own and takes them away again.
    """
    import asyncio
    import json

    from ringfence.app.cli.terminal import console, safe
    from ringfence.app.wiring.sandbox import build_sandbox
    from ringfence.core.box_profiles import PROFILES

    probed = asyncio.run(build_sandbox().probe())
    missing = {name: missing_for(profile, probed) for name, profile in PROFILES.items()}
    if as_json:
        typer.echo(json.dumps(as_value(probed, missing), ensure_ascii=False))
    else:
        out = console()
        for style, line in as_lines(probed, missing):
            out.print(safe(line, style), soft_wrap=True)
    raise typer.Exit(REFUSED if missing[DECIDES] else 0)


def missing_for(profile: BoxProfile, probed: Sequence[Probed]) -> list[Layer]:
    """What boxes of that profile need and this machine does not give. Empty: they can be made."""
    from ringfence.core.model.box import Layer
    from ringfence.ports.sandbox import Standing

    present = {found.layer for found in probed if found.standing is Standing.PRESENT}
    needed = profile.needs | ({Layer.INNER_LISTENER} if profile.network else frozenset())
    return sorted(needed - present)


def as_value(probed: Sequence[Probed], missing: dict[str, list[Layer]]) -> dict[str, Any]:
    return {
        "layers": [
            {"layer": found.layer, "standing": found.standing, "detail": found.detail, "remedy": found.remedy}
            for found in probed
        ],
        "profiles": {name: {"runs": not layers, "missing": layers} for name, layers in missing.items()},
    }


def as_lines(probed: Sequence[Probed], missing: dict[str, list[Layer]]) -> list[tuple[str, str]]:
    """Style and line."""
    from ringfence.ports.sandbox import Standing

    lines: list[tuple[str, str]] = []
    for found in probed:
        present = found.standing is Standing.PRESENT
        lines.append(("green" if present else "yellow", f"{found.layer:18} {found.standing:8} {found.detail}"))
        if found.remedy:
            lines.append(("", f"{'':18} {'':8} {found.remedy}"))
    lines.append(("", ""))
    for name, layers in missing.items():
        said = "boxes can be made" if not layers else f"no box is made: {', '.join(layers)} missing"
        lines.append(("red" if layers else "green", f"profile {name:10} {said}"))
    return lines
