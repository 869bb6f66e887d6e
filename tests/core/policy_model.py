"""Cedar's meaning, written a second time for the part that the fuzz uses: slow, plain, without a schema.

A condition is a tree of tuples; `text` writes it as Cedar, `holds` says what it comes to: true, false, or an error. A forbid
applies when its head matches and its condition holds. An error anywhere denies, and that is ours, not Cedar's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Node = tuple[Any, ...]
LONG = 2**63


class CannotTellError(Exception):
    """Evaluation ends in an error."""


@dataclass(frozen=True)
class Rule:
    """One forbid."""

    id: str
    principal: str | None
    action: str | tuple[str, ...] | None
    """A tool (`==`), several of tools and servers (`in`), or anything."""
    resource: str | None
    """A tool or a server (`in`)."""
    condition: Node
    gate: str | None = None

    @property
    def text(self) -> str:
        approve = f'@approve("{self.gate}") ' if self.gate is not None else ""
        principal = f'principal == Agent::"{self.principal}"' if self.principal else "principal"
        head = f"forbid ({principal}, {self._action}, {self._resource})"
        return f'@id("{self.id}") {approve}{head} when {{ {text(self.condition)} }};'

    @property
    def _action(self) -> str:
        if isinstance(self.action, str):
            return f'action == Action::"{self.action}"'
        if self.action is None:
            return "action"
        return "action in [" + ", ".join(f'Action::"{name}"' for name in self.action) + "]"

    @property
    def _resource(self) -> str:
        if self.resource is None:
            return "resource"
        return f'resource in {"Tool" if "." in self.resource else "Server"}::"{self.resource}"'

    def matches(self, agent: str, tool: str) -> bool:
        names = {tool, tool.partition(".")[0]}
        acts = {self.action} if isinstance(self.action, str) else set(self.action or ())
        right = not acts or (self.action == tool if isinstance(self.action, str) else bool(acts & names))
        return self.principal in (None, agent) and right and (self.resource is None or self.resource in names)


def text(node: Node) -> str:
    """A condition as Cedar text."""
    match node:
        case ("long", value):
            return str(value) if value >= 0 else f"({value})"
        case ("text", value):
            return f'"{value}"'
        case ("amount",):
            return "context.arguments.amount"
        case ("hour",):
            return "context.time.hour"
        case ("writes",):
            return "resource.writes"
        case ("order_is", value):
            return f'(context.arguments has order && context.arguments.order == "{value}")'
        case ("order_like", prefix):
            return f'(context.arguments has order && context.arguments.order like "{prefix}*")'
        case ("tagged", value):
            return f'(context.arguments has tags && context.arguments.tags.contains("{value}"))'
        case ("has", name):
            return f"context.arguments has {name}"
        case ("not", one):
            return f"!({text(one)})"
        case (("&&" | "||" | "<" | "<=" | "==" | "!=" | "+" | "-" | "*") as sign, left, right):
            return f"({text(left)} {sign} {text(right)})"
        case _:
            raise AssertionError(node)


def holds(node: Node, arguments: Mapping[str, Any], facts: Mapping[str, Any]) -> Any:
    """What a condition comes to. Raises: CannotTellError."""
    match node:
        case ("long", value) | ("text", value):
            return value
        case ("amount",):
            return arguments["amount"]
        case ("hour",) | ("writes",):
            return facts[node[0]]
        case ("order_is", value):
            return arguments.get("order") == value
        case ("order_like", prefix):
            return "order" in arguments and arguments["order"].startswith(prefix)
        case ("tagged", value):
            return value in arguments.get("tags", ())
        case ("has", name):
            return name in arguments
        case ("not", one):
            return not holds(one, arguments, facts)
        case ("&&", left, right):
            return holds(left, arguments, facts) and holds(right, arguments, facts)
        case ("||", left, right):
            return holds(left, arguments, facts) or holds(right, arguments, facts)
        case (("<" | "<=" | "==" | "!=") as sign, left, right):
            one, other = holds(left, arguments, facts), holds(right, arguments, facts)
            return {"<": one < other, "<=": one <= other, "==": one == other, "!=": one != other}[sign]
        case (("+" | "-" | "*") as sign, left, right):
            one, other = holds(left, arguments, facts), holds(right, arguments, facts)
            value = {"+": one + other, "-": one - other, "*": one * other}[sign]
            if not -LONG <= value < LONG:
                raise CannotTellError
            return value
        case _:
            raise AssertionError(node)


def decide(
    rules: list[Rule], agent: str, tool: str, arguments: Mapping[str, Any], facts: Mapping[str, Any]
) -> tuple[str, frozenset[str]]:
    """`allow`, `ask`, `deny` or `error`, with the rules that forbid (none with an error)."""
    forbidding: list[Rule] = []
    failed = False
    for rule in rules:
        if not rule.matches(agent, tool):
            continue
        try:
            if holds(rule.condition, arguments, facts):
                forbidding.append(rule)
        except CannotTellError:
            failed = True
    if failed:
        return "error", frozenset()
    names = frozenset(rule.id for rule in forbidding)
    if not forbidding:
        return "allow", names
    return ("deny" if any(rule.gate is None for rule in forbidding) else "ask"), names
