"""What do the permission lists of this agent say?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.local import LOCAL
from ringfence.core.model.permissions import LEVELS, PermissionLists, Speaks
from ringfence.core.model.verdict import Gate, Level, Reason, ReasonCode, Verdict
from ringfence.core.permissions.forbidding import argument_fits, names_tool
from ringfence.core.permissions.statements import SQL_ARGUMENTS, is_about_sql, runs_in_text
from ringfence.core.permissions.weighing import Weighed, shown, weigh

ALLOW = Verdict(Level.ALLOW)
MOST = 20
"""Reasons that one decision gives. Further acts of the same call have others, and one would do."""


def permissions(call: Call, facts: Facts) -> Verdict:
    """Deny what a deny rule fits, ask about what an ask rule fits or no rule speaks for, and about what nobody can decide.

    Of calls of MCP servers only rules that name the tool speak: which ones there are is said by the agent's `tools`.
    """
    agent = facts.agent
    if agent is None:
        return ALLOW  # `exposure` denies it
    if facts.local is None:
        return _of_server(call, agent.permissions) if agent.permissions is not None and call.server != LOCAL else ALLOW
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


def _runs_sql(pattern: str, call: Call) -> bool:
    """Whether an argument that is SQL by its name holds such a statement: the same rule holds for every way to the database."""
    for name, given in call.value.items():
        if name.lower() in SQL_ARGUMENTS:
            texts: Sequence[Any] = cast("Sequence[Any]", given) if isinstance(given, list) else (given,)
            if any(isinstance(text, str) and runs_in_text(pattern, text) for text in texts):
                return True
    return False


def _of_server(call: Call, lists: PermissionLists) -> Verdict:
    tools = (f"mcp__{call.server}__{call.upstream_name}", f"mcp__ringfence__{call.server}__{call.upstream_name}")
    level, reasons = Level.ALLOW, list[Reason]()
    for rule in (*lists.deny, *lists.ask):
        if rule.speaks is Speaks.COMMAND and is_about_sql(rule.pattern) and _runs_sql(rule.pattern, call):
            level = max(level, LEVELS[rule.listed])
            reasons.append(Reason(ReasonCode.PERMISSION, "permissions", f"{shown(rule)}: {tools[0]}"))
        if not any(names_tool(rule.tool, tool) for tool in tools):
            continue
        if rule.speaks is Speaks.TOOL or (rule.speaks is Speaks.PARAMETER and argument_fits(rule, call.value)):
            level = max(level, LEVELS[rule.listed])
            reasons.append(Reason(ReasonCode.PERMISSION, "permissions", f"{shown(rule)}: {tools[0]}"))
    if level is Level.ALLOW:
        return ALLOW
    gates = (Gate(ReasonCode.PERMISSION),) if level is Level.ASK else ()
    return Verdict(level, tuple(dict.fromkeys(reasons))[:MOST], gates)
