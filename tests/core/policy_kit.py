"""Policies, tools and calls for the tests of policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cedarpy import PolicySet

from ringfence.core.framing import frame
from ringfence.core.model.agent import Agent, Limits
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts, Link
from ringfence.core.model.identifiers import AgentId, CallId, Digest, Millis, RunId, ServerId, ToolId
from ringfence.core.model.policy import LocalTime, Policies, Policy, PolicySnapshot
from ringfence.core.model.profile import ToolProfile
from ringfence.core.model.run import Posture, Run
from ringfence.core.model.tool import Tool
from ringfence.core.narrowing.tightening import compile_schema
from ringfence.core.policy.reading import Fault, read_policies
from ringfence.core.policy.shard import GRANTS, Broken, Shard, ToolSource, compiled, naming, parsed
from ringfence.core.policy.vocabulary import Names
from ringfence.core.strict_json.canonical import digest_of

AGENT = AgentId("support")
REFUND = ToolId("payments.refund")
BALANCE = ToolId("payments.balance")
NOTE = ToolId("orders.note")
NAMES = Names((REFUND, BALANCE, NOTE), ("payments", "orders"), ("support", "lookup"))
GROUPS = {"finance": 2, "ops": 3}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer"},
        "order": {"type": "string"},
        "urgent": {"type": "boolean"},
        "rate": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "to": {
            "type": "object",
            "properties": {"iban": {"type": "string"}, "country": {"type": "string"}},
            "required": ["iban"],
        },
        "anything": {},
    },
    "required": ["amount"],
}
PROFILE = ToolProfile(costs_money=False)


def local_time(now: Millis) -> LocalTime:
    """A clock without a zone: 1970-01-01 was a Thursday."""
    minutes = now // 60_000
    return LocalTime(minutes // 60 % 24, minutes % 60, (minutes // 1440 + 3) % 7 + 1)


def read(text: str) -> tuple[list[Policy], list[Fault]]:
    return read_policies(text, "test.cedar", NAMES, GROUPS)


def good(text: str) -> tuple[Policy, ...]:
    """The policies of a text without faults."""
    policies, faults = read(text)
    assert not faults, faults
    return tuple(policies)


def shard_of(policies: tuple[Policy, ...], tool: ToolId = REFUND, schema: Mapping[str, Any] = SCHEMA) -> Shard | Broken | None:
    """The shard of one tool."""
    server = ServerId(tool.partition(".")[0])
    source = ToolSource(id=tool, server=server, pin=Digest("pin"), schema=schema, profiles=(PROFILE,))
    return compiled(source, naming(parsed(policies), tool, server))


def unsharded(policies: tuple[Policy, ...], tool: ToolId) -> Shard:
    """All policies at once, whatever they name, with every argument that Cedar can hold."""
    tests = " || ".join(f"context.arguments has {name}" for name in SCHEMA["properties"] if name != "anything")
    shard = shard_of(good(f'@id("all") forbid (principal, action, resource) when {{ ({tests}) && false }};'), tool)
    assert isinstance(shard, Shard)
    handle = PolicySet.from_str("\n".join([GRANTS, *(policy.text for policy in policies)]))
    by_id = {policy.id: policy for policy in policies}
    given = {key: one.annotations.get("id") for key, one in handle.to_pst().static_policies.items()}
    return replace(
        shard, handle=handle, policies={key: by_id[name] for key, name in given.items() if name is not None}, beside=None
    )


def snapshot_of(*shards: tuple[ToolId, Shard | Broken | None]) -> PolicySnapshot:
    return PolicySnapshot(digest=digest_of({}), shards=dict(shards), local_time=local_time)


def tool_of(tool: ToolId = REFUND, schema: Mapping[str, Any] = SCHEMA, profile: ToolProfile = PROFILE) -> Tool:
    validator = compile_schema(schema)
    return Tool(
        id=tool,
        server=ServerId(tool.partition(".")[0]),
        upstream_name=tool.partition(".")[2],
        definition={"name": tool.partition(".")[2], "inputSchema": schema},
        pin=Digest("pin"),
        profile=profile,
        validator=validator,
        upstream_validator=validator,
    )


def call_of(arguments: Mapping[str, Any], tool: Tool | None = None, agent: str = AGENT) -> Call:
    return frame(CallId("c1"), AgentId(agent), RunId("r1"), tool or tool_of(), arguments)


def facts_of(
    policy: PolicySnapshot | None,
    *,
    now: Millis = 0,
    tool: Tool | None = None,
    depth: int = 0,
    used: int = 0,
    trusted: bool = True,
) -> Facts:
    run = Run(
        id=RunId("r1"),
        agent=AGENT,
        task="task",
        task_trusted=trusted,
        opened_by="operator:ada",
        opened_at=0,
        expires_at=None,
    )
    return Facts(
        now=now,
        chain=tuple(Link(run, used, Limits()) for _ in range(depth + 1)),
        agent=Agent(id=AGENT, purpose="help", tools=frozenset({REFUND, BALANCE, NOTE})),
        tool=tool or tool_of(),
        posture=Posture.SEPARATE,
        policy=policy,
    )


def policies_of(text: str) -> Policies:
    return Policies(digest=digest_of({"text": text}), policies=good(text), local_time=local_time)
