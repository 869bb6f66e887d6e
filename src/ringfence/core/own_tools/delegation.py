"""`ringfence__delegate`: how an agent that may opens a child run of its own.

It is a tool like every other: framed, decided, counted and recorded by the same path; only what it does is done here and not by
a server. What it asks for is the agent's word: `core.narrowing.grants.narrow` decides what the child gets; its task is
never trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from ringfence.core.model.binding import KEY_THUMBPRINT
from ringfence.core.model.condition import Condition, Operation
from ringfence.core.model.grant import Grant
from ringfence.core.model.identifiers import OWN_SERVER, Millis, ToolId
from ringfence.core.model.profile import OWN_PROFILE
from ringfence.core.rules import ToolRule

DELEGATE: Final = ToolId("ringfence.delegate")
_NAME: Final = {"type": "string", "minLength": 1, "maxLength": 128}
_SCALAR: Final = {"type": ["string", "number", "boolean"]}

DEFINITION: Final[Mapping[str, Any]] = {
    "name": "delegate",
    "title": "Open a child run",
    "description": (
        "Opens a child run for a part of your work and answers its id and credential. The child never gets more than you"
        " have: tools, argument bounds, calls, generations and time can only shrink; `dropped` says what did not come along."
        " Its calls count as yours, and it ends when your run ends."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "task": {"type": "string", "maxLength": 20_000, "description": "What the child is to do."},
            "tools": {
                "type": "array",
                "maxItems": 100,
                "items": _NAME,
                "description": "The tools that it gets, by name. All of yours where absent.",
            },
            "bounds": {
                "type": "array",
                "maxItems": 50,
                "description": "Conditions on arguments; all of them have to hold at every call of the tool.",
                "items": {
                    "type": "object",
                    "properties": {
                        "tool": _NAME,
                        "argument": {"type": "string", "pattern": "^/", "maxLength": 500},
                        "op": {"enum": [operation.value for operation in Operation]},
                        "value": {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "maxItems": 50}]},
                    },
                    "required": ["tool", "argument", "op", "value"],
                    "additionalProperties": False,
                },
            },
            "calls": {"type": "integer", "minimum": 1, "maximum": 10_000_000, "description": "The most calls of it."},
            "depth": {"type": "integer", "minimum": 0, "maximum": 8, "description": "How many generations may follow it."},
            "result_schema": {
                "type": "object",
                "description": "JSON Schema of what it is to hand back to you with `ringfence__handoff`; at most 8 KiB, and no"
                " reference to anything outside it. Where it leaves no room for text (numbers, booleans, enumerations, dates"
                " and ids in closed objects), the result does not make your run untrusted. Without it nothing is handed back.",
            },
            "dpop_jkt": {
                "type": "string",
                "pattern": KEY_THUMBPRINT,
                "description": "SHA-256 thumbprint (RFC 7638) of the child's own DPoP key: without proofs of it, its credential"
                " is of no use.",
            },
            "ttl_s": {"type": "integer", "minimum": 1, "maximum": 604_800, "description": "Seconds until it ends for good."},
        },
        "required": ["task"],
        "additionalProperties": False,
    },
}

RULE: Final = ToolRule(
    id=DELEGATE,
    server=OWN_SERVER,
    upstream_name="delegate",
    # A child gets less than its parent has, whatever is asked for, and what it does is decided with its parent's label.
    profile=replace(OWN_PROFILE, worst="A child run does what its parent may do."),
)


@dataclass(frozen=True, slots=True)
class Delegation:
    """What an agent asked for."""

    task: str
    grant: Grant
    key: str = ""
    """The thumbprint of the child's own key; empty: it has none."""
    result_schema: Mapping[str, Any] | None = None
    """Of what the child is to hand back."""
    unknown: tuple[str, ...] = ()
    """Names in its bounds that no tool of the agent has."""


def delegation_in(value: Mapping[str, Any], names: Mapping[str, ToolId], now: Millis) -> Delegation:
    """The arguments of a call that satisfy the schema. `names`: tools as the agent knows them; others are taken for ids.

    A tool that is not known is not given, which says itself. A bound on one would bind nothing, so it is told of.
    """
    known_tools = {DELEGATE, *names.values()}
    bounds: dict[ToolId, tuple[Condition, ...]] = {}
    for asked in cast("list[dict[str, Any]]", value.get("bounds", [])):
        tool = _tool(asked["tool"], names)
        operand: Any = asked["value"]
        known = tuple(cast("list[Any]", operand)) if isinstance(operand, list) else operand
        bounds[tool] = (*bounds.get(tool, ()), Condition(asked["argument"], Operation(asked["op"]), known))
    tools, ttl_s, calls, depth = (value.get(name) for name in ("tools", "ttl_s", "calls", "depth"))
    return Delegation(
        str(value["task"]),
        Grant(
            tools=None if tools is None else frozenset(_tool(name, names) for name in tools),
            bounds=bounds,
            # `5.0` is an integer too (JSON Schema, section 6.1.1 of Validation).
            calls=None if calls is None else int(calls),
            depth=None if depth is None else int(depth),
            until=None if ttl_s is None else Millis(now + int(ttl_s) * 1000),
        ),
        key=value.get("dpop_jkt", ""),
        result_schema=value.get("result_schema"),
        unknown=tuple(sorted(bounds.keys() - known_tools)),
    )


def _tool(name: str, names: Mapping[str, ToolId]) -> ToolId:
    return names.get(name, ToolId(name))
