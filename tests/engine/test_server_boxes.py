"""What a server in a box reaches is a call of the run that it serves, by the server's own rules."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ringfence.core.egress.opening import Admitted, NotAdmitted, Opening
from ringfence.core.explaining.rule_class import RuleClass
from ringfence.core.model.box import BoxProfile
from ringfence.core.model.egress import EgressRule, EgressRules, Unlisted
from ringfence.core.model.grant import Grant
from ringfence.core.model.identifiers import ServerId, ToolId
from ringfence.core.model.profile import Sensitivity
from ringfence.core.model.provenance import ProvenanceRules
from ringfence.core.model.run import Run
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import Level, ReasonCode
from ringfence.core.own_tools.connecting import CONNECT
from ringfence.core.records.entry import EntryKind
from ringfence.core.rules import AgentRule, Rules, server_agent
from ringfence.engine.boxes.server_boxes import ServerProcess
from ringfence.engine.identity.identify import Presented
from ringfence.engine.runs.runs import NotDone, Opened
from ringfence.errors import UnavailableError
from ringfence.testing.scenario import READ, SUPPORT, shop_rules, tool_rule
from ringfence.testing.world import World, presented

ORDERS, PAYMENTS = ServerId("orders"), ServerId("payments")
NAME = server_agent(ORDERS)
API = Opening("api.example.com", 443)
ITS_OWN = EgressRule(host="api.example.com", up_mib=1)


def rules(calls: int | None = None) -> Rules:
    shop = shop_rules()
    server = AgentRule(
        id=NAME,
        purpose="what orders reaches",
        tools=(),
        box=BoxProfile(name="ops", network=True),
        egress=EgressRules(rules=(ITS_OWN,)),
        server=ORDERS,
    )
    support = replace(shop.agents[SUPPORT], limits=replace(shop.agents[SUPPORT].limits, calls_per_run=calls))
    return replace(shop, agents={**shop.agents, SUPPORT: support, NAME: server})


async def serving(world: World, run: Run | None, server: ServerId = ORDERS) -> ServerProcess:
    return await world.server_boxes.adopt(server, f"run:{run.id}" if run is not None else "shared", way_out=True)


async def admit(world: World, process: ServerProcess, opening: Opening = API) -> Admitted | NotAdmitted:
    assert isinstance(process.presented, Presented)
    return await world.connections.admit(process.presented, opening)


async def decided(world: World) -> list[tuple[str | None, str | None, str | None]]:
    return [
        (e["run"], e["agent"], e["decision"]) for e in await world.entries() if e["tool"] == CONNECT and e["kind"] == "decision"
    ]


@pytest.mark.requirement("I1")
async def test_the_run_that_it_serves_makes_the_call_by_the_servers_rules() -> None:
    world = await World.build(rules=rules())
    run = await world.open_run()
    way = await admit(world, await serving(world, run.run))
    assert isinstance(way, Admitted)
    assert await decided(world) == [(run.run.id, SUPPORT, "allow")]
    (entry,) = [e for e in await world.entries() if e["tool"] == CONNECT and e["kind"] == "decision"]
    assert entry["body"]["arguments"]["server"] == "orders"
    assert await world.calls_used(run.run.id) == (1, 0)
    await world.connections.close()


async def test_the_runs_own_box_gains_nothing_by_it() -> None:
    world = await World.build(rules=rules())
    run = await world.open_run()
    assert isinstance(await admit(world, await serving(world, run.run)), Admitted)
    refused = await world.connections.admit(presented(run), API)
    assert isinstance(refused, NotAdmitted)
    await world.connections.close()


async def test_what_no_rule_of_the_server_has_is_denied_even_where_the_agent_has_one() -> None:
    made = rules()
    other = EgressRules(rules=(EgressRule(host="agents.example.com"),))
    made = replace(made, agents={**made.agents, SUPPORT: replace(made.agents[SUPPORT], egress=other)})
    world = await World.build(rules=made)
    run = await world.open_run()
    process = await serving(world, run.run)
    refused = await admit(world, process, Opening("agents.example.com", 443))
    assert isinstance(refused, NotAdmitted)
    assert refused.code == RuleClass.HOST
    assert isinstance(await world.connections.admit(presented(run), Opening("agents.example.com", 443)), Admitted)
    await world.connections.close()


async def test_a_server_without_a_box_has_no_way_out() -> None:
    world = await World.build(rules=rules())
    run = await world.open_run()
    assert isinstance(await admit(world, await serving(world, run.run, PAYMENTS)), NotAdmitted)


async def test_a_grant_of_tools_alone_does_not_bar_the_way_that_they_need() -> None:
    world = await World.build(rules=rules())
    opened = await world.runs.open(
        SUPPORT, "t", by="operator:ada", trusted=True, asked=Grant(tools=frozenset({ToolId("orders.get")}))
    )
    assert isinstance(opened, Opened)
    assert isinstance(await admit(world, await serving(world, opened.run)), Admitted)
    await world.connections.close()


@pytest.mark.requirement("I6")
@pytest.mark.parametrize("mode", [StopMode.KILL, StopMode.PAUSE])
@pytest.mark.parametrize("kind", [ScopeKind.RUN, ScopeKind.SERVER, ScopeKind.AGENT, ScopeKind.EVERYTHING])
async def test_what_stops_the_run_or_the_server_stops_its_ways_out(kind: ScopeKind, mode: StopMode) -> None:
    world = await World.build(rules=rules())
    run = await world.open_run()
    process = await serving(world, run.run)
    way = await admit(world, process)
    assert isinstance(way, Admitted)
    target = {ScopeKind.RUN: run.run.id, ScopeKind.SERVER: ORDERS, ScopeKind.AGENT: SUPPORT}.get(kind, "")
    stopping = asyncio.ensure_future(world.stops.stop(mode, Scope(kind, target), reason="test", by="operator:ada"))
    while not stopping.done():
        await asyncio.sleep(0)
        world.clock.advance(100)
    assert not isinstance(stopping.result(), NotDone), stopping.result()
    assert not world.connections.lives(way)
    assert isinstance(await admit(world, process), NotAdmitted)
    assert bool(world.server_boxes.killed(process)) is (mode is StopMode.KILL)
    await world.connections.close()


@pytest.mark.requirement("I7")
async def test_its_connections_count_against_the_run() -> None:
    world = await World.build(rules=rules(calls=1))
    run = await world.open_run()
    process = await serving(world, run.run)
    assert isinstance(await admit(world, process), Admitted)
    world.clock.advance(61_000)
    refused = await admit(world, process)
    assert isinstance(refused, NotAdmitted)
    assert refused.code == RuleClass.LIMIT
    await world.connections.close()


async def test_its_connections_do_not_prolong_the_run() -> None:
    world = await World.build(rules=rules())
    run = await world.open_run()
    assert run.run.expires_at is not None
    world.clock.advance(run.run.expires_at - world.clock.now() - 1000)
    assert isinstance(await admit(world, await serving(world, run.run)), Admitted)
    after = await world.store.run(run.run.id)
    assert after is not None
    assert after.expires_at == run.run.expires_at
    await world.connections.close()


async def test_a_process_that_serves_several_runs_has_the_standing_run_of_its_server() -> None:
    world = await World.build(rules=rules())
    first, second = await serving(world, None), await serving(world, None)
    assert first.run == second.run
    assert first.presented == second.presented
    assert isinstance(await admit(world, first), Admitted)
    assert await decided(world) == [(first.run, NAME, "allow")]
    assert first.run is not None
    await world.runs.close(first.run, by="operator:ada", why="test")
    assert isinstance(await admit(world, first), NotAdmitted)
    anew = await serving(world, None)
    assert anew.run != first.run
    await world.connections.close()


async def test_nobody_else_opens_a_run_in_a_servers_name() -> None:
    world = await World.build(rules=rules())
    binding = "box:" + "A" * 43
    for by in ("operator:ada", "agent:support"):
        assert isinstance(await world.runs.open(NAME, "t", by=by, trusted=True, binding=binding), NotDone)


async def test_a_process_for_a_run_that_is_over_is_not_started() -> None:
    world = await World.build(rules=rules())
    run = await world.open_run()
    await world.runs.close(run.run.id, by="operator:ada", why="test")
    with pytest.raises(UnavailableError):
        await serving(world, run.run)


async def test_beginning_and_end_stand_in_the_runs_timeline() -> None:
    world = await World.build(rules=rules())
    run = await world.open_run()
    process = await world.server_boxes.adopt(ORDERS, f"run:{run.run.id}|orders.get|0", way_out=False)
    assert process.presented is None
    await world.server_boxes.started(process, {"layers": ["namespaces"]})
    await world.server_boxes.ended(process, {"code": 137, "why": "killed by ada"})
    told = [
        (e["summary"], e["body"]["server"]) for e in await world.entries() if e["run"] == run.run.id and "server" in e["body"]
    ]
    assert told == [("server orders started in a box", "orders"), ("server orders ended in its box: killed by ada", "orders")]
    listing = await world.server_boxes.adopt(ORDERS, "catalogue", way_out=False)
    await world.server_boxes.started(listing, {})
    assert [e["agent"] for e in await world.entries() if e["kind"] == EntryKind.GATEWAY and "box" in e["summary"]] == [NAME]


@pytest.mark.requirement("I4")
async def test_a_person_lets_a_server_reach_a_host_for_one_run_and_nobody_else_there() -> None:
    made = rules()
    asks = replace(made.agents[NAME], egress=EgressRules(unlisted=Unlisted.ASK))
    world = await World.build(rules=replace(made, agents={**made.agents, NAME: asks}))
    run = await world.open_run()
    new = Opening("new.example.com", 443)
    waiting = asyncio.ensure_future(admit(world, await serving(world, run.run), new))
    for _ in range(50):
        await asyncio.sleep(0)
    (ticket,) = await world.store.tickets(frozenset({TicketState.PENDING}))
    assert (ticket.run, ticket.agent) == (run.run.id, SUPPORT)
    await world.operator()
    await world.approve(ticket)
    assert isinstance(await waiting, Admitted)
    assert isinstance(await world.connections.admit(presented(run), new), NotAdmitted)
    await world.connections.close()


async def knowing(rule_of_two: Level = Level.ASK) -> tuple[World, Opened]:
    """A run whose first read is untrusted and confidential, and a server in a box that has rules of provenance."""
    made = rules()
    get = tool_rule("orders.get", replace(READ, sensitivity=Sensitivity.CONFIDENTIAL))
    guarded = replace(made.agents[NAME], provenance=ProvenanceRules(rule_of_two=rule_of_two))
    world = await World.build(rules=replace(made, tools={**made.tools, get.id: get}, agents={**made.agents, NAME: guarded}))
    return world, await world.open_run()


@pytest.mark.requirement("I10", "I18")
async def test_what_a_run_was_given_leaves_by_the_box_of_a_server_with_a_person_only() -> None:
    world, run = await knowing()
    process = await serving(world, run.run)
    await world.call(run, "orders__get", {"order": "A"})
    waiting = asyncio.ensure_future(admit(world, process))
    while not (tickets := await world.store.tickets(frozenset({TicketState.PENDING}))):
        assert not waiting.done(), waiting.result()
        await asyncio.sleep(0)
    assert [gate.code for gate in tickets[0].gates] == [ReasonCode.RULE_OF_TWO]
    await world.operator()
    await world.deny(tickets[0])
    assert isinstance(await waiting, NotAdmitted)
    await world.connections.close()


@pytest.mark.requirement("I10", "I18")
async def test_a_servers_way_that_was_open_before_closes_when_its_run_is_given_what_may_not_go_there() -> None:
    world, run = await knowing()
    way = await admit(world, await serving(world, run.run))
    assert isinstance(way, Admitted)
    await world.call(run, "orders__get", {"order": "A"})
    assert not world.connections.lives(way)
    await world.connections.close()


async def test_where_the_rule_of_two_is_off_a_servers_way_stays_open() -> None:
    world, run = await knowing(rule_of_two=Level.ALLOW)
    way = await admit(world, await serving(world, run.run))
    assert isinstance(way, Admitted)
    await world.call(run, "orders__get", {"order": "A"})
    assert world.connections.lives(way)
    await world.connections.close()
