"""Tools, as the operator configured them, and switching them off and on live."""

from __future__ import annotations

from typing import Any

from ringfence.app.control.answer import Answer, Asked, Reply
from ringfence.app.control.routes import Route
from ringfence.app.control.shape import REASON, Field
from ringfence.app.control.stops import lift_all, put, stop_view
from ringfence.core.checks.blast_radius import gates_of
from ringfence.core.model.identifiers import AgentId, ToolId
from ringfence.core.model.operator import Role
from ringfence.core.model.stop import Scope, ScopeKind, Stop, StopMode
from ringfence.core.rules import ToolRule


async def list_tools(asked: Asked) -> Answer:
    await asked.services.catalogue.ensure_listed()
    stops = await asked.services.stops.in_force()
    health = asked.services.catalogue.health()
    rules = asked.services.catalogue.rules
    return Reply(
        {
            "tools": [
                {
                    **tool_view(rule),
                    "agents": sorted(agent.id for agent in rules.agents.values() if agent.has(rule)),
                    "server_says": health.get(rule.server, "not configured"),
                    "disabled": [stop_view(stop) for stop in stops if _is_on(stop, rule.id)],
                }
                for rule in sorted(rules.tools.values(), key=lambda rule: rule.id)
            ]
        }
    )


async def disable(asked: Asked) -> Answer:
    return await put(asked, StopMode.DISABLE, _scope(asked))


async def enable(asked: Asked) -> Answer:
    """Lift every disable with exactly this scope; what still holds in a wider or narrower one is listed."""
    scope = _scope(asked)
    stops = [stop for stop in await asked.services.stops.in_force() if _is_on(stop, ToolId(scope.target))]
    mine = [stop for stop in stops if stop.scope == scope]
    answer = await lift_all(asked, mine, reason=asked.body.get("reason", ""), confirmed=False)
    if isinstance(answer, Reply):
        return Reply({**answer.body, "still_disabled": [stop_view(stop) for stop in stops if stop not in mine]})
    return answer


def tool_view(rule: ToolRule) -> dict[str, Any]:
    profile = rule.profile
    return {
        "id": rule.id,
        "server": rule.server,
        "derived": rule.derived,
        "effect": profile.effect.value,
        "reversible": profile.reversible,
        "inverse": profile.inverse,
        "sensitivity": profile.sensitivity.value,
        "outbound": profile.outbound,
        "gates": [gate.code.value for gate in gates_of(profile)],
        "quorum": profile.quorum,
        "smaller_when": [conditional.text for conditional in rule.conditional],
        "worst": profile.worst,
    }


def _scope(asked: Asked) -> Scope:
    agent = asked.body.get("agent")
    return Scope(ScopeKind.TOOL, asked.path["id"], AgentId(agent) if agent else None)


def _is_on(stop: Stop, tool: ToolId) -> bool:
    return stop.mode is StopMode.DISABLE and stop.scope.kind is ScopeKind.TOOL and stop.scope.target == tool


_BODY = (
    Field("agent", "For this agent only; everybody where absent.", most=200),
    REASON,
)

ROUTES = (
    Route(method="GET", path="/tools", handler=list_tools, summary="Every tool with its profile.", answer="`tools`."),
    Route(
        method="POST",
        path="/tools/{id}/disable",
        handler=disable,
        role=Role.APPROVER,
        summary="Switch a tool off at once, for everybody or for one agent.",
        body=_BODY,
        answer="As for a kill.",
    ),
    Route(
        method="POST",
        path="/tools/{id}/enable",
        handler=enable,
        role=Role.APPROVER,
        summary="Switch a tool on again.",
        body=_BODY,
        answer="`lifted`, and what is `still_disabled` in another scope.",
    ),
)
