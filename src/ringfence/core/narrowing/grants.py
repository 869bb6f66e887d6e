"""Narrowing: what a child run gets is never more than what its parent has (I11).

    given = narrow(parent, asked)

`narrow` is total: whatever is asked for, the result is what both the parent and the asking allow. Nothing is refused for
having asked for too much; `dropped` says what did not come along.

INVARIANT: for every call, `admits(narrow(parent, asked), call)` implies `admits(parent, call)` and `admits(asked, call)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ringfence.core.model.agent import Limits
from ringfence.core.model.condition import Condition, holds
from ringfence.core.model.grant import Grant
from ringfence.core.model.identifiers import ToolId


def narrow(parent: Grant, asked: Grant) -> Grant:
    """The grant of a child: what both sides allow, and one generation less to follow."""
    return Grant(
        tools=_both(parent.tools, asked.tools),
        bounds=_joined(parent.bounds, asked.bounds),
        calls=_least(parent.calls, asked.calls),
        depth=_least(None if parent.depth is None else max(0, parent.depth - 1), asked.depth),
        until=_least(parent.until, asked.until),
    )


def admits(grant: Grant, tool: ToolId, arguments: Mapping[str, Any]) -> str:
    """Why a grant does not reach a call; empty: it does. Budget, depth and time are counted elsewhere."""
    if grant.tools is not None and tool not in grant.tools:
        return f"it was not given {tool}"
    for condition in grant.bounds.get(tool, ()):
        if not holds(condition, arguments):
            return f"it was given {tool} only where {condition.pointer} {condition.operation.value} {condition.operand!r}"
    return ""


def dropped(asked: Grant, given: Grant) -> tuple[str, ...]:
    """What was asked for and not given, in words for whoever asked."""
    said: list[str] = []
    if asked.tools is not None and (missing := sorted(asked.tools - (given.tools or frozenset()))):
        said.append(f"tools: {', '.join(missing)}")
    for name in ("calls", "depth", "until"):
        wanted, got = getattr(asked, name), getattr(given, name)
        if wanted is not None and got != wanted:
            said.append(f"{name}: {got} instead of {wanted}")
    return tuple(said)


def limited(limits: Limits, grant: Grant) -> Limits:
    """The limits of a run: its agent's, or its own share of calls where that is less."""
    if grant.calls is None:
        return limits
    return replace(limits, calls_per_run=_least(limits.calls_per_run, grant.calls))


def _both(one: frozenset[ToolId] | None, other: frozenset[ToolId] | None) -> frozenset[ToolId] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _joined(
    one: Mapping[ToolId, tuple[Condition, ...]], other: Mapping[ToolId, tuple[Condition, ...]]
) -> dict[ToolId, tuple[Condition, ...]]:
    """Every condition of both, each once, in an order that depends on neither side."""
    joined: dict[ToolId, tuple[Condition, ...]] = {}
    for tool in one.keys() | other.keys():
        joined[tool] = _ordered((*one.get(tool, ()), *other.get(tool, ())))
    return joined


def _ordered(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    # By their text: operands of different types cannot be compared, and `1 == True` must not merge two conditions.
    by_text = {repr(condition): condition for condition in conditions}
    return tuple(by_text[text] for text in sorted(by_text))


def _least(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
