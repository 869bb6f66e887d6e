"""An agent that is bound to an environment, through the whole engine: what it sees, what it calls, what its children call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ringfence.core.egress.opening import Admitted, NotAdmitted, Opening
from ringfence.core.explaining.rule_class import RuleClass
from ringfence.core.model.box import BoxProfile
from ringfence.core.model.credential import Place, ToolCredential
from ringfence.core.model.egress import EgressRule, EgressRules, Unlisted
from ringfence.core.model.identifiers import AgentId, ServerId, ToolId
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.rules import AgentRule, Rules
from ringfence.engine.identity.identify import Presented
from ringfence.engine.outcome import NotSent, Refused, Returned
from ringfence.engine.steps import Step
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World, presented

ORDERS, PAYMENTS = ServerId("orders"), ServerId("payments")


def bound(
    labels: Mapping[str, str], egress: EgressRules | None = None, environment: str = "staging", rules: Rules | None = None
) -> Rules:
    """The shop with labels on servers, and its agent bound."""
    shop = rules or shop_rules()
    tools = {name: replace(tool, environment=labels.get(tool.server, "")) for name, tool in shop.tools.items()}
    agent = replace(shop.agents[SUPPORT], environment=environment, egress=egress)
    other = AgentRule(id=AgentId("free"), purpose="has no label", tools=("*",))
    return replace(shop, tools=tools, agents={**shop.agents, SUPPORT: agent, other.id: other})


def seen(world: World, agent: str = SUPPORT) -> set[str]:
    view = world.catalogue.view(AgentId(agent))
    assert view is not None
    return {str(view.exposed(None)[name].server) for name in view.exposed(None)}


async def test_tools_of_other_environments_are_neither_listed_nor_told_from_unknown_ones() -> None:
    world = await World.build(rules=bound({ORDERS: "staging", PAYMENTS: "production"}))
    assert seen(world) == {ORDERS}
    assert seen(world, "free") >= {ORDERS, PAYMENTS}
    run = await world.open_run()
    assert isinstance(await world.call(run, "orders__get", {"order": "A1"}), Returned)
    refused = await world.call(run, "payments__refund", {"order": "A1", "amount": 5})
    assert isinstance(refused, Refused)
    assert refused.code is ReasonCode.NOT_EXPOSED
    assert ReasonCode.ENVIRONMENT in {reason.code for reason in refused.reasons}


@pytest.mark.parametrize(("label", "there"), [("", False), ("any", True), ("staging", True), ("production", False)])
async def test_what_has_no_label_is_in_no_environment(label: str, there: bool) -> None:
    world = await World.build(rules=bound({ORDERS: label}))
    assert (ORDERS in seen(world)) is there


@pytest.mark.requirement("I11")
async def test_a_child_of_another_agent_does_not_lead_out_of_it() -> None:
    world = await World.build(rules=bound({ORDERS: "staging", PAYMENTS: "production"}))
    parent = await world.open_run()
    child = await world.open_run("free", parent=parent.run)
    assert isinstance(await world.call(child, "orders__get", {"order": "A1"}), Returned)
    refused = await world.call(child, "payments__refund", {"order": "A1", "amount": 5})
    assert isinstance(refused, Refused)
    assert ReasonCode.ENVIRONMENT in {reason.code for reason in refused.reasons}


async def test_hosts_without_the_label_are_refused_and_nobody_is_asked() -> None:
    hosts = (EgressRule(host="in.example.com", environment="staging"), EgressRule(host="out.example.com"))
    world = await World.build(rules=bound({}, EgressRules(rules=hosts, unlisted=Unlisted.ASK)))
    run = await world.open_run()
    assert isinstance(await world.connections.admit(presented(run), Opening("in.example.com", 443)), Admitted)
    for host in ("out.example.com", "new.example.com"):
        refused = await world.connections.admit(presented(run), Opening(host, 443))
        assert isinstance(refused, NotAdmitted)
        assert refused.code == RuleClass.ENVIRONMENT
    assert not [entry for entry in await world.entries() if entry["decision"] == "ask"]
    await world.connections.close()


@pytest.mark.requirement("I9")
async def test_a_credential_of_another_environment_is_never_put_in() -> None:
    """Also not where its label changes between the decision and the sending."""
    credential = ToolCredential(place=Place.HEADER, name="X-Key", reference="env:PRODUCTION", environments=("production",))
    rules = bound({ORDERS: "staging"})
    get = ToolId("orders.get")
    with_it = replace(rules, tools={**rules.tools, get: replace(rules.tools[get], credential=credential)})
    world = await World.build(rules=with_it)
    assert "orders__get" not in _names(world)
    refused = await world.call(await world.open_run(), "orders__get", {"order": "A1"})
    assert isinstance(refused, Refused)
    assert any("the credential of orders.get" in reason.detail for reason in refused.reasons)

    late: list[World] = []

    def swap(step: Step) -> None:
        if late and step is Step.SEND:
            world = late.pop()
            world.catalogue.replace(with_it, world.catalogue.upstreams)

    changed = await World.build(rules=rules, at_step=swap)
    run = await changed.open_run()
    late.append(changed)
    outcome = await changed.call(run, "orders__get", {"order": "A1"})
    assert isinstance(outcome, NotSent)
    assert not late


def _names(world: World) -> set[str]:
    view = world.catalogue.view(SUPPORT)
    assert view is not None
    return set(view.exposed(None))


async def test_a_server_in_a_box_is_bound_to_its_own_label_besides_that_of_the_run() -> None:
    hosts = (
        EgressRule(host="in.example.com", environment="staging"),
        EgressRule(host="any.example.com", environment="any"),
        EgressRule(host="out.example.com", environment="production"),
    )
    box = BoxProfile(name="ops", network=True)
    server = AgentRule(
        id=AgentId("server:orders"), purpose="p", tools=(), box=box, egress=EgressRules(rules=hosts), environment="staging",
        server=ORDERS,
    )  # fmt: skip
    rules = bound({ORDERS: "staging"}, environment="")
    world = await World.build(rules=replace(rules, agents={**rules.agents, server.id: server}))
    run = await world.open_run()
    process = await world.server_boxes.adopt(ORDERS, f"run:{run.run.id}", way_out=True)
    assert isinstance(process.presented, Presented)
    allowed = {
        host: await world.connections.admit(process.presented, Opening(f"{host}.example.com", 443))
        for host in ("in", "any", "out")
    }
    assert [host for host, way in allowed.items() if isinstance(way, Admitted)] == ["in", "any"]
    await world.connections.close()
