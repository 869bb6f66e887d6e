"""What policies may speak of besides arguments: the Cedar schema's fixed part, in one place.

principal   Agent::"support"
action      Action::"payments.refund", in Action::"payments" (the server)
resource    Tool::"payments.refund", in Server::"payments", with the profile of this very call
context     arguments, time, run, posture
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts
from ringfence.core.model.policy import LocalTime
from ringfence.core.model.profile import Effect, Sensitivity, ToolProfile, Trust
from ringfence.core.model.run import Posture
from ringfence.core.policy.argument_types import CedarType, RecordOf, Scalar, SetOf

ENUMERATIONS: Mapping[str, tuple[str, ...]] = {
    "Sensitivity": tuple(Sensitivity),
    "Trust": tuple(Trust),
    "Posture": tuple(Posture),
}
_TRUTHS = ("writes", "reversible", "bounded", "costs_money", "identity", "outbound")
TIME = ("hour", "minute", "weekday")
RUN = ("depth", "calls_used", "task_trusted")


@dataclass(frozen=True, slots=True)
class Names:
    """The names that policies may use: those of one configuration."""

    tools: Collection[str]
    servers: Collection[str]
    agents: Collection[str]

    def of(self, kind: str) -> Collection[str] | None:
        """The known ids of an entity type; None: there is no such type."""
        match kind:
            case "Action":
                return {*self.tools, *self.servers}
            case "Tool":
                return self.tools
            case "Server":
                return self.servers
            case "Agent":
                return self.agents
            case _:
                return ENUMERATIONS.get(kind)


def cedar_schema(tool: str, server: str, arguments: RecordOf, others: Collection[str]) -> dict[str, Any]:
    """The Cedar schema (JSON form) as one tool's call sees it: only this tool's action applies.

    `others` are the tools and servers that its policies name besides: they have to exist, or the policies would be refused.
    """
    nowhere = {"principalTypes": list[str](), "resourceTypes": list[str]()}
    context = {
        "arguments": _type(arguments),
        "time": _record(dict.fromkeys(TIME, _LONG)),
        "run": _record({"depth": _LONG, "calls_used": _LONG, "task_trusted": _BOOL}),
        "posture": {"type": "Entity", "name": "Posture"},
    }
    actions: dict[str, Any] = {name.partition(".")[0]: {"appliesTo": nowhere} for name in (server, *others)}
    actions |= {name: {"memberOf": [{"id": name.partition(".")[0]}], "appliesTo": nowhere} for name in others if "." in name}
    actions[tool] = {
        "memberOf": [{"id": server}],
        "appliesTo": {"principalTypes": ["Agent"], "resourceTypes": ["Tool"], "context": _record(context)},
    }
    shape = dict.fromkeys(_TRUTHS, _BOOL) | {
        "sensitivity": {"type": "Entity", "name": "Sensitivity"},
        "trust": {"type": "Entity", "name": "Trust"},
    }
    kinds: dict[str, Any] = {name: {"enum": list(values)} for name, values in ENUMERATIONS.items()}
    kinds |= {"Agent": {}, "Server": {}, "Tool": {"memberOfTypes": ["Server"], "shape": _record(shape)}}
    return {"": {"entityTypes": kinds, "actions": actions}}


def tool_entity(tool: str, server: str, profile: ToolProfile) -> dict[str, Any]:
    """The resource of a call, with the profile that holds for it."""
    return {
        "uid": {"type": "Tool", "id": tool},
        "parents": [{"type": "Server", "id": server}],
        "attrs": {
            "writes": profile.effect is Effect.WRITE,
            "reversible": profile.reversible,
            "bounded": profile.bounded,
            "costs_money": profile.costs_money,
            "identity": profile.identity,
            "outbound": profile.outbound,
            "sensitivity": _entity("Sensitivity", profile.sensitivity.value),
            "trust": _entity("Trust", profile.trust.value),
        },
    }


def context_of(facts: Facts, local: LocalTime, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The context of one request. `arguments` are Cedar values already."""
    first = facts.chain[0]
    return {
        "arguments": arguments,
        "time": {"hour": local.hour, "minute": local.minute, "weekday": local.weekday},
        "run": {"depth": len(facts.chain) - 1, "calls_used": first.calls_used, "task_trusted": first.run.task_trusted},
        "posture": _entity("Posture", facts.posture.value),
    }


def request_of(call: Call, context: str) -> dict[str, Any]:
    """One Cedar request; `context` is JSON."""
    return {
        "principal": {"type": "Agent", "id": call.agent},
        "action": {"type": "Action", "id": call.tool},
        "resource": {"type": "Tool", "id": call.tool},
        "context": context,
    }


_LONG: dict[str, Any] = {"type": "Long"}
_BOOL: dict[str, Any] = {"type": "Boolean"}


def _record(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "Record", "attributes": dict(attributes)}


def _entity(kind: str, name: str) -> dict[str, Any]:
    return {"__entity": {"type": kind, "id": name}}


def _type(kind: CedarType) -> dict[str, Any]:
    match kind:
        case RecordOf(fields=fields):
            return _record({name: {**_type(one.type), "required": one.required} for name, one in fields.items()})
        case SetOf(element=element):
            return {"type": "Set", "element": _type(element)}
        case Scalar.DECIMAL:
            return {"type": "Extension", "name": "decimal"}
        case _:
            return {"type": kind.value}
