"""Pins: what is pinned and quarantined, the exact difference, and an admin's approval of it."""

from __future__ import annotations

from typing import Any

from ringfence.app.control.answer import Answer, Asked, Reply, not_found, refused
from ringfence.app.control.routes import Route
from ringfence.app.control.shape import Field
from ringfence.app.control.times import iso
from ringfence.core.approvals.card import visible
from ringfence.core.approvals.differences import shown
from ringfence.core.definitions.pins import PinKind
from ringfence.core.model.operator import Role
from ringfence.engine.people.pins import MOST_DIFFERENCES, PinDifference, PinState
from ringfence.engine.runs.runs import NotDone


async def list_pins(asked: Asked) -> Answer:
    await asked.services.catalogue.ensure_listed()
    states = await asked.services.pins.all()
    if asked.query.get("quarantined"):
        states = tuple(state for state in states if state.why)
    return Reply({"pins": [pin_view(state) for state in states]})


async def diff(asked: Asked) -> Answer:
    """Asks the server anew first: what a person reads is what it shows now."""
    await asked.services.pins.look(asked.path["server"], _kind(asked), _name(asked))
    found = await asked.services.pins.difference(asked.path["server"], _kind(asked), _name(asked))
    if isinstance(found, NotDone):
        return not_found(found.why, found.remedy)
    return Reply(difference_view(found))


async def approve(asked: Asked) -> Answer:
    """An admin lets exactly the definition be used whose digest is quoted."""
    approved = await asked.services.pins.approve(
        asked.who, asked.path["server"], _kind(asked, asked.body), _name(asked, asked.body), asked.body["digest"]
    )
    if isinstance(approved, NotDone):
        return refused(approved)
    return Reply({**pin_view(approved.state), "entry": approved.entry})


def pin_view(state: PinState) -> dict[str, Any]:
    """A pin as JSON. Names are spelled out: servers wrote them."""
    pin, seen = state.pin, state.seen
    return {
        "server": state.server,
        "kind": state.kind.value,
        "name": visible(state.name)[0],
        "tools": list(state.tools),
        "state": _state_word(state),
        "why": visible(state.why)[0],
        "findings": list(state.findings),
        "era": seen.era if seen is not None else pin.era if pin is not None else "",
        "pinned": f"sha256:{pin.digest}" if pin is not None else None,
        "listed": f"sha256:{seen.digest}" if seen is not None else None,
        "by": pin.by if pin is not None else None,
        "at": iso(pin.at) if pin is not None else None,
    }


def difference_view(found: PinDifference) -> dict[str, Any]:
    """What a person judges. `digest` is the one to quote in an approval."""
    return {
        **pin_view(found.state),
        "digest": f"sha256:{found.state.seen.digest}" if found.state.seen is not None else None,
        "differences": [shown(difference) for difference in found.differences[:MOST_DIFFERENCES]],
        "left_off": max(0, len(found.differences) - MOST_DIFFERENCES),
        "approvable": found.approvable,
    }


def _state_word(state: PinState) -> str:
    if state.why:
        return "quarantined"
    return "not_listed" if state.seen is None else "pinned"


def _kind(asked: Asked, given: Any = None) -> PinKind:
    return PinKind((asked.query if given is None else given).get("kind", PinKind.TOOL.value))


def _name(asked: Asked, given: Any = None) -> str:
    """Names that cannot stand in a path come beside it."""
    if _kind(asked, given) is PinKind.INSTRUCTIONS:
        return ""
    return str((asked.query if given is None else given).get("name", asked.path["tool"]))


_KINDS = (PinKind.TOOL.value, PinKind.PROMPT.value, PinKind.RESOURCE_TEMPLATE.value, PinKind.INSTRUCTIONS.value)
_WHICH = (
    Field("kind", "What it is; `tool` where absent. For `instructions` the name says nothing.", choices=_KINDS),
    Field("name", "The name, where it cannot stand in the path (a URI template).", most=2000),
)

ROUTES = (
    Route(
        method="GET",
        path="/pins",
        handler=list_pins,
        summary="Every pinned or listed definition, what is quarantined first.",
        query=(Field("quarantined", "`true`: only those.", choices=("true",), most=4),),
        answer="`pins`, each with its state, why it is quarantined, and what is doubtful about its texts.",
    ),
    Route(
        method="GET",
        path="/pins/{server}/{tool}/diff",
        handler=diff,
        summary="What exactly differs between the pin and what the server lists, value by value.",
        query=_WHICH,
        answer="`differences` by JSON pointer, with invisible characters spelled out; `digest` is the one to approve.",
    ),
    Route(
        method="POST",
        path="/pins/{server}/{tool}/approve",
        handler=approve,
        role=Role.ADMIN,
        summary="Let exactly the definition be used that was shown.",
        body=(Field("digest", "The `digest` that the difference was shown with.", required=True, most=71), *_WHICH),
        answer="The pin as it stands now, and the log's `entry`.",
    ),
)
