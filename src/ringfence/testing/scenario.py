"""A small shop for tests: two servers, tools of every size of blast radius, and two agents.

| tool | effect | what happens |
|---|---|---|
| orders.get | reads internal data | allowed |
| orders.note | reversible, bounded write | allowed, durable first |
| orders.slow | as orders.get; the server answers when the test says so | allowed |
| orders.boom | as orders.get; the server answers with an error | allowed |
| payments.refund | irreversible, costs money | a person is asked |

Agent `support` was given everything, agent `reader` only `orders.get`.
"""

from collections.abc import Mapping
from typing import Any

from ringfence.core.model.agent import Limits
from ringfence.core.model.identifiers import AgentId, Digest, ServerId, ToolId
from ringfence.core.model.profile import Authority, Effect, Role, Sensitivity, ToolProfile, Trust
from ringfence.core.rules import AgentRule, ApprovalRules, Rules, ServerRule, ToolRule
from ringfence.testing.fakes.upstream import FakeUpstream

ORDERS = ServerId("orders")
PAYMENTS = ServerId("payments")
SUPPORT = AgentId("support")
READER = AgentId("reader")

READ = ToolProfile(
    effect=Effect.READ,
    reversible=True,
    bounded=True,
    costs_money=False,
    identity=False,
    outbound=False,
    sensitivity=Sensitivity.INTERNAL,
    trust=Trust.UNTRUSTED,
)
SMALL_WRITE = ToolProfile(
    effect=Effect.WRITE,
    reversible=True,
    bounded=True,
    costs_money=False,
    identity=False,
    outbound=False,
    sensitivity=Sensitivity.INTERNAL,
    objects=("/order",),
)
REFUND = ToolProfile(
    effect=Effect.WRITE,
    reversible=False,
    bounded=True,
    costs_money=True,
    identity=False,
    outbound=True,
    sensitivity=Sensitivity.CONFIDENTIAL,
    authority=(Authority("/order", Role.SELECTOR), Authority("/amount", Role.MAGNITUDE)),
    objects=("/order",),
    worst="Money leaves the account and does not come back.",
)

_ORDER = {"type": "string", "maxLength": 40}


def definition(name: str, properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    """An MCP tool object with an open object schema, as careless servers declare them."""
    schema = {"type": "object", "properties": dict(properties), "required": required}
    return {"name": name, "description": f"The tool {name}.", "inputSchema": schema}


ORDERS_TOOLS = (
    definition("get", {"order": _ORDER}, ["order"]),
    definition("note", {"order": _ORDER, "text": {"type": "string"}}, ["order", "text"]),
    definition("slow", {"order": _ORDER}, ["order"]),
    definition("boom", {"order": _ORDER}, ["order"]),
)
PAYMENTS_TOOLS = (definition("refund", {"order": _ORDER, "amount": {"type": "integer", "minimum": 1}}, ["order", "amount"]),)


def tool_rule(tool: str, profile: ToolProfile, **more: Any) -> ToolRule:
    """The rule of a tool named `server.name`."""
    server, _, name = tool.partition(".")
    return ToolRule(id=ToolId(tool), server=ServerId(server), upstream_name=name, profile=profile, **more)


def shop_rules(
    *,
    agents: tuple[AgentRule, ...] = (),
    tools: tuple[ToolRule, ...] = (),
    approvals: ApprovalRules | None = None,
    limits: Limits | None = None,
) -> Rules:
    """The shop's configuration. `agents` and `tools` are added, or replace those of the same name; `limits` are support's."""
    own_tools = (
        tool_rule("orders.get", READ),
        tool_rule("orders.note", SMALL_WRITE),
        tool_rule("orders.slow", READ),
        tool_rule("orders.boom", READ),
        tool_rule("payments.refund", REFUND),
    )
    own_agents = (
        AgentRule(id=SUPPORT, purpose="answers support tickets", tools=("orders.*", "payments.*"), limits=limits or Limits()),
        AgentRule(id=READER, purpose="looks orders up", tools=("orders.get",)),
    )
    return Rules(
        digest=Digest("0" * 64),
        servers={server: ServerRule(id=server) for server in (ORDERS, PAYMENTS)},
        tools={rule.id: rule for rule in (*own_tools, *tools)},
        agents={rule.id: rule for rule in (*own_agents, *agents)},
        approvals=approvals or ApprovalRules(),
    )


def shop_upstreams() -> dict[ServerId, FakeUpstream]:
    """Both servers. `orders.slow` hangs until released."""
    orders = FakeUpstream(ORDERS_TOOLS)
    orders.hanging.add("slow")
    return {ORDERS: orders, PAYMENTS: FakeUpstream(PAYMENTS_TOOLS)}
