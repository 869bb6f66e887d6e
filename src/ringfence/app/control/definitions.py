"""The definitions that are pinned: what policies are held against where no server is asked."""

from __future__ import annotations

from typing import Any

from ringfence.app.control.answer import Answer, Asked, Reply
from ringfence.app.control.routes import Route
from ringfence.core.definitions.pins import Pin, PinKind
from ringfence.core.strict_json.canonical import JsonLimits, parse_strict

_LIMITS = JsonLimits(depth=256, keys=100_000, nul=True)


async def definitions(asked: Asked) -> Answer:
    """The newest pinned definition of every tool, by server and name."""
    newest: dict[tuple[str, str], Pin] = {}
    for pin in await asked.services.store.pins():
        place = (pin.server, pin.name)
        if pin.kind is PinKind.TOOL and (place not in newest or pin.at >= newest[place].at):
            newest[place] = pin
    found: list[dict[str, Any]] = [
        {"server": server, "name": name, "definition": parse_strict(pin.definition, _LIMITS)}
        for (server, name), pin in sorted(newest.items())
    ]
    return Reply({"definitions": found})


ROUTES = (
    Route(
        method="GET",
        path="/definitions",
        handler=definitions,
        summary="The pinned definitions of tools, as their servers listed them.",
        answer="`definitions`, each with `server`, `name` and the `definition`.",
    ),
)
