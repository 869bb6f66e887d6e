"""What a request to open a run says of its grant: tools, bounds on arguments, calls, generations, time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from ringfence.app.config.conditions import ConditionFault, parse_conditions
from ringfence.app.control.shape import Field, Kind
from ringfence.core.model.condition import Condition
from ringfence.core.model.grant import Grant
from ringfence.core.model.identifiers import Millis, ToolId
from ringfence.core.own_tools.delegation import DELEGATE
from ringfence.core.rules import Rules
from ringfence.engine.runs.runs import NotDone

FIELDS: Final = (
    Field("tools", "The tools that it gets: ids or patterns (`orders.*`). All of the agent's, or its parent's, where absent.",
          Kind.TEXTS, most=128, nullable=True),
    Field("bounds", "Conditions on arguments, `TOOL:CONDITION` such as `payments.refund:/amount <= 50`; all have to hold.",
          Kind.TEXTS, most=1000, nullable=True),
    Field("calls", "The most calls of it with the runs below it.", Kind.INTEGER, most=10_000_000, nullable=True),
    Field("depth", "How many generations may follow it.", Kind.INTEGER, most=8, nullable=True),
    Field("ttl_s", "Seconds until it ends for good, renewed or not.", Kind.INTEGER, most=31_536_000, nullable=True),
)  # fmt: skip
FORM = "write TOOL:CONDITION, such as `payments.refund:/amount <= 50`"


def grant_asked(body: Mapping[str, Any], rules: Rules, now: Millis) -> Grant | NotDone:
    """The grant of a request, or what is wrong with it. A name that no tool has is refused, not dropped: it is a slip."""
    tools, ttl_s = body.get("tools"), body.get("ttl_s")
    named: set[ToolId] = set()
    known = {*rules.tools, DELEGATE}
    for pattern in tools or ():
        found = {tool for tool in known if tool == pattern or fnmatchcase(tool, pattern)}
        if not found:
            return NotDone(f"no tool is called `{pattern[:80]}`", "`ringfence tool list` shows the configured ones")
        named |= found
    bounds = _bounds(body.get("bounds") or (), known)
    if isinstance(bounds, NotDone):
        return bounds
    return Grant(
        tools=None if tools is None else frozenset(named),
        bounds=bounds,
        calls=body.get("calls"),
        depth=body.get("depth"),
        until=None if ttl_s is None else now + ttl_s * 1000,
    )


def _bounds(texts: Sequence[str], known: set[ToolId]) -> dict[ToolId, tuple[Condition, ...]] | NotDone:
    bounds: dict[ToolId, tuple[Condition, ...]] = {}
    for text in texts:
        name, colon, condition = text.partition(":")
        tool = ToolId(name.strip())
        if not colon or tool not in known:
            return NotDone(f"the bound `{text[:120]}` names no tool", FORM)
        try:
            bounds[tool] = (*bounds.get(tool, ()), *parse_conditions(condition.strip()))
        except ConditionFault as fault:
            return NotDone(f"the bound `{text[:120]}`: {fault}", FORM)
    return bounds
