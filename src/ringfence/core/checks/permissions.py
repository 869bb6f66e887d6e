"""What do the permission lists of this agent say?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.local import LOCAL
from ringfence.core.model.permissions import LEVELS, PermissionLists, PermissionRule, Speaks
from ringfence.core.model.sql import SqlText
from ringfence.core.model.verdict import Gate, Level, Reason, ReasonCode, Verdict
from ringfence.core.permissions.forbidding import argument_fits, names_tool
from ringfence.core.permissions.sql_texts import is_statement_rule
from ringfence.core.permissions.statements import level_of
from ringfence.core.permissions.weighing import Weighed, shown, weigh

ALLOW = Verdict(Level.ALLOW)
MOST = 20
"""Reasons that one decision gives. Further acts of the same call have others, and one would do."""


def permissions(call: Call, facts: Facts) -> Verdict:
    """Deny what a deny rule fits, ask about what an ask rule fits or no rule speaks for, and about what nobody can decide.

    Of calls of MCP servers only rules that name the tool speak, and those about SQL: which tools there are is said by the
    agent's `tools`.
    """
    agent = facts.agent
    if agent is None:
        return ALLOW  # `exposure` denies it
    if facts.local is None:
        return (
            _of_server(call, agent.permissions, facts.sql) if agent.permissions is not None and call.server != LOCAL else ALLOW
        )
    given: Any = call.value.get("input")
    arguments = cast("Mapping[str, Any]", given) if isinstance(given, Mapping) else {}
    name = call.value.get("tool")
    tool = name if isinstance(name, str) and name else call.tool.partition(".")[2]
    return verdict_of(weigh(agent.permissions, facts.local, arguments, tool))


def verdict_of(weighed: Weighed) -> Verdict:
    """A weighed call as what one check says."""
    raised = sorted(weighed.raised, key=lambda one: -one.level)
    if not raised:
        return ALLOW
    reasons = dict.fromkeys(Reason(one.code, "permissions", one.why) for one in raised[:MOST])
    gates = dict.fromkeys(Gate(one.code) for one in raised if one.level is Level.ASK)
    return Verdict(weighed.level, tuple(reasons), tuple(gates))


def _of_server(call: Call, lists: PermissionLists, sql: tuple[SqlText, ...]) -> Verdict:
    tools = (f"mcp__{call.server}__{call.upstream_name}", f"mcp__ringfence__{call.server}__{call.upstream_name}")
    level, reasons = Level.ALLOW, list[Reason]()
    for rule in (*lists.deny, *lists.ask):
        for raised, why in _hits(rule, call, tools, sql):
            level = max(level, raised)
            reasons.append(Reason(ReasonCode.PERMISSION, "permissions", f"{shown(rule)}: {tools[0]}{why}"))
    if level is Level.ALLOW:
        return ALLOW
    gates = (Gate(ReasonCode.PERMISSION),) if level is Level.ASK else ()
    return Verdict(level, tuple(dict.fromkeys(reasons))[:MOST], gates)


def _hits(rule: PermissionRule, call: Call, tools: tuple[str, ...], sql: tuple[SqlText, ...]) -> Iterator[tuple[Level, str]]:
    level = LEVELS[rule.listed]
    if rule.speaks is not Speaks.COMMAND and not any(names_tool(rule.tool, tool) for tool in tools):
        return
    if is_statement_rule(rule):
        for text in sql:
            if rule.speaks is not Speaks.PARAMETER or text.argument == rule.parameter:
                raised, why = level_of(rule.pattern, level, text)
                if raised is not Level.ALLOW:
                    yield raised, f": {why}"
    elif rule.speaks is Speaks.TOOL or (rule.speaks is Speaks.PARAMETER and argument_fits(rule, call.value)):
        yield level, ""
