"""Ways out of boxes: one decision for each, a minute of use, an outcome that says what went through, and an end at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.core.box_profiles import PROFILES
from ringfence.core.egress.opening import Admitted, NotAdmitted, Opening, Refusal
from ringfence.core.explaining.rule_class import RuleClass
from ringfence.core.model.egress import EgressMode, EgressRule, EgressRules, PathRule, Unlisted
from ringfence.core.model.profile import Sensitivity, Trust
from ringfence.core.model.provenance import ProvenanceRules
from ringfence.core.model.run import Posture
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import Level, ReasonCode
from ringfence.core.own_tools.connecting import CONNECT
from ringfence.core.records.entry import EntryKind
from ringfence.core.records.unit import Conflict, Unit
from ringfence.core.rules import Rules
from ringfence.engine.boxes.connections import MOST_DENIED, MOST_REFUSALS
from ringfence.engine.identity.identify import Presented
from ringfence.engine.runs.runs import Opened
from ringfence.ports.audit import AuditLog
from ringfence.ports.secrets import Secret
from ringfence.ports.store import Receipt, Store
from ringfence.testing.fakes.store import FakeStore, StoreStep
from ringfence.testing.scenario import READ, SUPPORT, shop_rules, tool_rule
from ringfence.testing.world import World, presented

API = EgressRule(
    host="api.example.com",
    mode=EgressMode.TERMINATE,
    paths=(
        PathRule(methods=frozenset({"GET"}), path="/v1/*"),
        PathRule(methods=frozenset({"GET", "POST"}), path="/v1/orders"),
    ),
    header="Authorization",
    prefix="Bearer ",
    credential="env:API",
    up_mib=1,
)
INDEX = EgressRule(host="pypi.example.com")


def rules(unlisted: Unlisted = Unlisted.DENY) -> Rules:
    shop = shop_rules()
    agent = replace(shop.agents[SUPPORT], egress=EgressRules(rules=(API, INDEX), unlisted=unlisted))
    return replace(shop, agents={**shop.agents, SUPPORT: agent})


async def boxed(unlisted: Unlisted = Unlisted.DENY) -> tuple[World, Opened]:
    world = await World.build(rules=rules(unlisted))
    return world, await world.open_run()


async def admit(world: World, run: Opened, opening: Opening) -> Admitted | NotAdmitted:
    return await world.connections.admit(presented(run), opening)


async def admitted(world: World, run: Opened, opening: Opening) -> Admitted:
    found = await admit(world, run, opening)
    assert isinstance(found, Admitted), found
    return found


async def decisions(world: World) -> list[tuple[str, str]]:
    return [(e["kind"], e["decision"]) for e in await world.entries() if e["tool"] == CONNECT]


@pytest.mark.requirement("I1")
async def test_a_listed_host_is_recorded_before_anything_leaves_and_once_for_a_minute() -> None:
    world, run = await boxed()
    first = await admitted(world, run, Opening("pypi.example.com", 443))
    assert await decisions(world) == [(EntryKind.DECISION, "allow")]
    again = await admitted(world, run, Opening("pypi.example.com", 443))
    assert again is first
    world.clock.advance(61_000)
    anew = await admitted(world, run, Opening("pypi.example.com", 443))
    assert anew is not first
    assert (await decisions(world)).count((EntryKind.DECISION, "allow")) == 2
    await world.connections.close()


async def test_the_outcome_says_what_went_through() -> None:
    world, run = await boxed()
    way = await admitted(world, run, Opening("pypi.example.com", 443))
    assert world.connections.moved(way, 300, 70_000)
    await world.connections.ended(way)
    await world.connections.close()
    outcome = next(e for e in await world.entries() if e["kind"] == EntryKind.OUTCOME and e["tool"] == CONNECT)
    assert outcome["body"]["carried"] == {"uses": 1, "up": 300, "down": 70_000, "why": "the gateway is stopping"}
    assert not world.connections.lives(way)


@pytest.mark.parametrize(
    "opening",
    [
        Opening("evil.example.com", 443),
        Opening("pypi.example.com", 80),
        Opening("api.example.com", 443, "DELETE", "/v1/orders"),
        Opening("api.example.com", 443, "POST", "/v1/other"),
        Opening("api.example.com", 443, "GET", "/admin"),
        Opening("pypi.example.com", 443, "GET", "/simple"),
    ],
)
async def test_what_no_rule_has_is_denied_and_recorded(opening: Opening) -> None:
    world, run = await boxed()
    refused = await admit(world, run, opening)
    assert isinstance(refused, NotAdmitted)
    assert refused.code == RuleClass.HOST
    assert refused.entry is not None
    assert await decisions(world) == [(EntryKind.DECISION, "deny")]


async def test_a_box_without_a_network_reaches_nobody_whatever_the_rules_say() -> None:
    shop = rules(Unlisted.ASK)
    agent = replace(shop.agents[SUPPORT], box=PROFILES["light"])
    world = await World.build(rules=replace(shop, agents={**shop.agents, SUPPORT: agent}))
    run = await world.runs.open(SUPPORT, "t", by="operator:ada", trusted=True, binding="box:" + "A" * 43)
    assert isinstance(run, Opened)
    in_box = Presented(run.credential, Posture.BOXED, frozenset({"box:" + "A" * 43}))
    refused = await world.connections.admit(in_box, Opening("pypi.example.com", 443))
    assert isinstance(refused, NotAdmitted)
    assert await decisions(world) == [(EntryKind.DECISION, "deny")]


async def test_requests_of_one_class_under_one_path_rule_are_one_act() -> None:
    world, run = await boxed()
    opened = await admitted(world, run, Opening("api.example.com", 443))
    reads = [await admitted(world, run, Opening("api.example.com", 443, "GET", f"/v1/{name}")) for name in ("a", "b/c")]
    write = await admitted(world, run, Opening("api.example.com", 443, "POST", "/v1/orders"))
    assert reads[0] is reads[1]
    assert len({id(way) for way in (opened, reads[0], write)}) == 3
    assert len(await decisions(world)) == 3
    await world.connections.close()


@pytest.mark.requirement("I6")
@pytest.mark.parametrize("scope", [Scope(ScopeKind.EVERYTHING), Scope(ScopeKind.TOOL, CONNECT)])
async def test_a_stop_closes_every_way_out_at_once(scope: Scope) -> None:
    world, run = await boxed()
    way = await admitted(world, run, Opening("pypi.example.com", 443))
    assert world.connections.lives(way)
    stopping = asyncio.ensure_future(world.stops.stop(StopMode.KILL, scope, reason="now", by="operator:ada"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not world.connections.lives(way)
    while not stopping.done():
        await asyncio.sleep(0)
        world.clock.advance(100)
    outcome = next(e for e in await world.entries() if e["kind"] == EntryKind.OUTCOME and e["tool"] == CONNECT)
    assert outcome["body"]["stopped"]
    refused = await admit(world, run, Opening("pypi.example.com", 443))
    assert isinstance(refused, NotAdmitted)
    assert refused.code == RuleClass.STOPPED, "a box hears the class, not whether it was a kill or a pause"
    await world.connections.close()


async def test_the_end_of_a_run_closes_its_ways_out() -> None:
    world, run = await boxed()
    way = await admitted(world, run, Opening("pypi.example.com", 443))
    await world.runs.close(run.run.id, by="operator:ada", why="done")
    assert not world.connections.lives(way)
    await world.connections.close()


async def test_a_budget_counts_all_connections_of_a_run_to_a_host() -> None:
    world, run = await boxed()
    read = await admitted(world, run, Opening("api.example.com", 443, "GET", "/v1/a"))
    write = await admitted(world, run, Opening("api.example.com", 443, "POST", "/v1/orders"))
    assert world.connections.moved(read, 600_000, 0)
    assert not world.connections.moved(write, 600_000, 0)
    assert not world.connections.lives(read)
    refused = await world.connections.admit(presented(run), Opening("api.example.com", 443, "GET", "/v1/b"))
    assert isinstance(refused, Admitted | NotAdmitted)
    assert isinstance(refused, NotAdmitted) or not world.connections.lives(refused)
    await world.connections.close()


async def test_a_person_can_let_one_run_reach_a_host_until_it_ends() -> None:
    world, run = await boxed(Unlisted.ASK)
    await world.operator()
    waiting = asyncio.ensure_future(admit(world, run, Opening("new.example.com", 443)))
    for _ in range(50):
        await asyncio.sleep(0)
    (ticket,) = await world.store.tickets(frozenset({TicketState.PENDING}))
    await world.approve(ticket)
    way = await waiting
    assert isinstance(way, Admitted)
    await world.connections.ended(way)
    world.clock.advance(300_000)
    assert await admit(world, run, Opening("new.example.com", 443)) is way
    other = await world.open_run()
    refused = asyncio.ensure_future(admit(world, other, Opening("new.example.com", 443)))
    await asyncio.sleep(0.01)
    assert not refused.done()
    refused.cancel()
    await world.connections.close()


@pytest.mark.requirement("I9")
async def test_the_credential_is_looked_up_late_and_stands_in_no_entry() -> None:
    world, run = await boxed()

    async def read(source: str) -> Secret:
        assert source == "env:API"
        return Secret("s3cret-of-the-api")

    world.connections.read_secret = read
    way = await admitted(world, run, Opening("api.example.com", 443, "GET", "/v1/a"))
    assert await world.connections.secret(way) == "Bearer s3cret-of-the-api"
    await world.connections.close()
    entries = await world.entries()
    assert "s3cret" not in str(entries)
    assert any(entry["body"].get("arguments", {}).get("credential") == "env:API" for entry in entries)


async def test_the_proxys_own_refusals_are_recorded_but_not_without_end() -> None:
    world, run = await boxed()
    opening, refusal = Opening("pypi.example.com", 443), Refusal("sni", 403, "the server name is another")
    entries = [await world.connections.refused(presented(run), opening, refusal) for _ in range(130)]
    assert entries[0]
    assert not entries[-1]
    assert (await decisions(world)).count((EntryKind.DECISION, "deny")) == 120


async def test_a_box_that_is_refused_without_end_hides_no_other_and_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    world, run = await boxed()
    other = await world.open_run()
    refusal = Refusal("address", 403, "the name stands for 10.0.0.1")
    for _ in range(MOST_REFUSALS + 20):
        await world.connections.refused(presented(run), Opening("pypi.example.com", 443), refusal)
    assert len(caplog.messages) == 1
    assert await world.connections.refused(presented(other), Opening("pypi.example.com", 443), refusal)
    assert not await world.connections.refused(presented(run), Opening("pypi.example.com", 443), refusal)


async def test_nobody_can_call_it_over_mcp() -> None:
    world, _ = await boxed()
    view = world.catalogue.view(SUPPORT)
    assert view is not None
    assert CONNECT in view.tools
    assert not any("connect" in name for name in view.by_wire_name)
    assert not any(server == "egress" for server, _ in view.by_server_name)
    assert "egress__connect" not in view.exposed(None)
    await world.connections.close()


async def test_a_stranger_gets_nothing_and_leaves_no_trace() -> None:
    world, _ = await boxed()
    refused = await world.connections.admit(presented("nonsense"), Opening("pypi.example.com", 443))
    assert isinstance(refused, NotAdmitted)
    assert (refused.code, refused.entry) == (RuleClass.CREDENTIAL, None)
    assert await decisions(world) == []


async def test_a_box_that_asks_in_vain_without_end_fills_neither_log_nor_memory() -> None:
    world, run = await boxed()
    found = [await admit(world, run, Opening(f"h{number}.example.com", 443)) for number in range(MOST_DENIED + 20)]
    assert [one.entry is None for one in found if isinstance(one, NotAdmitted)].count(True) == 20
    assert len(await world.entries()) < MOST_DENIED + 10
    world.clock.advance(61_000)
    again = await admit(world, run, Opening("later.example.com", 443))
    assert isinstance(again, NotAdmitted)
    assert again.entry is not None


KNOWING = replace(READ, sensitivity=Sensitivity.CONFIDENTIAL)


async def knowing(
    *hosts: EgressRule,
    unlisted: Unlisted = Unlisted.DENY,
    reads: bool = True,
    trust: Trust = Trust.UNTRUSTED,
    store: tuple[Store, AuditLog] | None = None,
    **provenance: Any,
) -> tuple[World, Opened]:
    """A run with rules of provenance, that was given untrusted and confidential data."""
    shop = shop_rules(tools=(tool_rule("orders.get", replace(KNOWING, trust=trust)),))
    agent = replace(
        shop.agents[SUPPORT],
        egress=EgressRules(rules=hosts or (API, INDEX), unlisted=unlisted),
        provenance=ProvenanceRules(underivable=Level.ALLOW, **provenance),
    )
    world = await World.build(rules=replace(shop, agents={**shop.agents, SUPPORT: agent}), store=store)
    run = await world.open_run()
    if reads:
        await world.call(run, "orders__get", {"order": "A"})
    return world, run


async def asked(world: World, run: Opened, opening: Opening) -> asyncio.Task[Admitted | NotAdmitted]:
    """A connection that waits for a person."""
    task = asyncio.create_task(admit(world, run, opening))
    while not await world.store.tickets(frozenset({TicketState.PENDING})):
        assert not task.done(), task.result()
        await asyncio.sleep(0)
    return task


@pytest.mark.requirement("I10", "I18")
async def test_a_box_that_knows_too_much_reaches_a_listed_host_with_a_person_only_and_then_until_it_ends() -> None:
    world, run = await knowing()
    task = await asked(world, run, Opening("pypi.example.com", 443))
    (ticket,) = await world.store.tickets(frozenset({TicketState.PENDING}))
    assert [gate.code for gate in ticket.gates] == [ReasonCode.RULE_OF_TWO]
    await world.approve(ticket)
    first = await task
    assert isinstance(first, Admitted)
    world.clock.advance(10 * 60_000)
    assert await admitted(world, run, Opening("pypi.example.com", 443)) is first
    await world.connections.close()


@pytest.mark.requirement("I10", "I18")
async def test_a_cleared_host_and_an_own_host_are_reached_without_a_person() -> None:
    cleared = replace(INDEX, host="mirror.example.com", clearance=Sensitivity.CONFIDENTIAL)
    own = replace(INDEX, host="git.corp.example")
    world, run = await knowing(cleared, own, hosts=("*.corp.example",))
    await admitted(world, run, Opening("mirror.example.com", 443))
    await admitted(world, run, Opening("git.corp.example", 443))
    await world.connections.close()


@pytest.mark.requirement("I10", "I18")
async def test_beginning_tls_sends_nothing_so_only_the_request_asks() -> None:
    world, run = await knowing()
    await admitted(world, run, Opening("api.example.com", 443))
    task = await asked(world, run, Opening("api.example.com", 443, "GET", "/v1/orders"))
    (ticket,) = await world.store.tickets(frozenset({TicketState.PENDING}))
    await world.deny(ticket)
    assert isinstance(await task, NotAdmitted)
    await world.connections.close()


@pytest.mark.requirement("I10", "I18")
async def test_a_way_that_was_opened_before_closes_when_the_run_is_given_what_may_not_go_there() -> None:
    own = replace(INDEX, host="git.corp.example")
    cleared = replace(INDEX, host="mirror.example.com", clearance=Sensitivity.REGULATED)
    world, run = await knowing(INDEX, own, cleared, reads=False, hosts=("git.corp.example",))
    ways = [await admitted(world, run, Opening(rule.host, 443)) for rule in (INDEX, own, cleared)]
    assert [world.connections.lives(way) for way in ways] == [True, True, True]
    await world.call(run, "orders__get", {"order": "A"})
    assert [world.connections.lives(way) for way in ways] == [False, True, True]
    await world.connections.close()


@pytest.mark.requirement("I10", "I11", "I18")
async def test_what_a_run_above_is_given_closes_the_ways_of_the_runs_below() -> None:
    world, parent = await knowing(reads=False)
    child = await world.open_run(parent=parent.run)
    other = await world.open_run()
    ways = [await admitted(world, run, Opening("pypi.example.com", 443)) for run in (child, other)]
    await world.call(parent, "orders__get", {"order": "A"})
    assert [world.connections.lives(way) for way in ways] == [False, True]
    await world.connections.close()


async def test_an_error_that_raises_nothing_closes_no_way() -> None:
    world, run = await knowing(INDEX, rule_of_two=Level.ALLOW)
    way = await admitted(world, run, Opening("pypi.example.com", 443))
    await world.call(run, "orders__boom", {"order": "A"})
    assert world.connections.lives(way)
    await world.connections.close()


@pytest.mark.requirement("I6")
async def test_a_way_out_that_the_configuration_has_no_more_closes_with_it() -> None:
    world, run = await boxed(Unlisted.ASK)
    task = await asked(world, run, Opening("unlisted.example.com", 443))
    (ticket,) = await world.store.tickets(frozenset({TicketState.PENDING}))
    await world.approve(ticket)
    approved = cast(Admitted, await task)
    request = await admitted(world, run, Opening("api.example.com", 443, "GET", "/v1/orders/1"))
    index = await admitted(world, run, Opening("pypi.example.com", 443))
    agent = world.catalogue.rules.agents[SUPPORT]

    def living(*hosts: EgressRule, unlisted: Unlisted = Unlisted.ASK) -> list[bool]:
        new = replace(agent, egress=EgressRules(rules=hosts, unlisted=unlisted))
        rules = replace(world.catalogue.rules, agents={**world.catalogue.rules.agents, SUPPORT: new})
        world.catalogue.replace(rules, world.catalogue.upstreams)
        return [world.connections.lives(way) for way in (approved, request, index)]

    assert living(API, INDEX) == [True, True, True]
    assert living(API) == [True, True, False]
    assert living(replace(API, credential="env:OTHER"), INDEX) == [True, False, False]
    assert living(API, INDEX, unlisted=Unlisted.DENY) == [False, False, False]
    await world.connections.close()


async def replaced(world: World, **changes: Any) -> None:
    """Another configuration, as a reload brings it."""
    agent = replace(world.catalogue.rules.agents[SUPPORT], **changes)
    rules = replace(world.catalogue.rules, agents={**world.catalogue.rules.agents, SUPPORT: agent})
    world.catalogue.replace(rules, world.catalogue.upstreams)
    await world.connections.replaced()


@pytest.mark.requirement("I10", "I16")
async def test_another_configuration_closes_what_it_would_have_a_person_asked_about() -> None:
    own = replace(INDEX, host="git.corp.example")
    world, run = await knowing(INDEX, own, rule_of_two=Level.ALLOW, hosts=("*.corp.example",))
    index = await admitted(world, run, Opening("pypi.example.com", 443))
    git = await admitted(world, run, Opening("git.corp.example", 443))
    await replaced(world, provenance=ProvenanceRules(underivable=Level.ALLOW, hosts=("*.corp.example",)))
    assert (world.connections.lives(index), world.connections.lives(git)) == (False, True)
    await replaced(world, provenance=ProvenanceRules(underivable=Level.ALLOW))
    assert not world.connections.lives(git)
    await world.connections.close()


@pytest.mark.requirement("I10", "I16")
async def test_a_clearance_that_the_configuration_takes_back_closes_the_way_that_it_let_through() -> None:
    cleared = replace(INDEX, clearance=Sensitivity.CONFIDENTIAL)
    world, run = await knowing(cleared)
    way = await admitted(world, run, Opening("pypi.example.com", 443))
    await replaced(world, purpose="something else")
    assert world.connections.lives(way)
    await replaced(world, egress=EgressRules(rules=(INDEX,)))
    assert not world.connections.lives(way)
    await world.connections.close()


@pytest.mark.requirement("I16")
async def test_what_a_person_allowed_stays_open_under_another_configuration_that_asks_the_same() -> None:
    world, run = await knowing()
    task = await asked(world, run, Opening("pypi.example.com", 443))
    (ticket,) = await world.store.tickets(frozenset({TicketState.PENDING}))
    await world.approve(ticket)
    way = cast(Admitted, await task)
    await replaced(world, purpose="something else")
    assert world.connections.lives(way)
    await replaced(world, provenance=ProvenanceRules(rule_of_two=Level.DENY))
    assert not world.connections.lives(way)
    await world.connections.close()


@pytest.mark.requirement("I16")
async def test_a_smaller_budget_of_another_configuration_counts_for_ways_that_are_open() -> None:
    world, run = await boxed()
    way = await admitted(world, run, Opening("pypi.example.com", 443))
    assert world.connections.moved(way, 3 << 20, 0)
    await replaced(world, egress=EgressRules(rules=(API, replace(INDEX, up_mib=2))))
    assert not world.connections.lives(way)
    await world.connections.close()


@pytest.mark.requirement("I3", "I16")
async def test_a_way_out_that_nobody_can_decide_about_anew_is_closed() -> None:
    disk = HeldDisk()
    disk.free.set()
    world, run = await knowing(reads=False, store=(disk, disk.memory))
    way = await admitted(world, run, Opening("pypi.example.com", 443))
    disk.fail_at(StoreStep.READ)
    await replaced(world, purpose="something else")
    disk.work_again()
    assert not world.connections.lives(way)
    await world.connections.close()


@pytest.mark.requirement("I10", "I16")
async def test_a_configuration_that_came_while_a_way_out_was_being_recorded_counts_for_it() -> None:
    disk = HeldDisk()
    world, run = await knowing(rule_of_two=Level.ALLOW, store=(disk, disk.memory))
    task = asyncio.create_task(admit(world, run, Opening("pypi.example.com", 443)))
    await disk.waits.wait()
    await replaced(world, provenance=ProvenanceRules(rule_of_two=Level.DENY))
    disk.free.set()
    refused = await task
    assert isinstance(refused, NotAdmitted)
    assert refused.code == RuleClass.PROVENANCE
    await world.connections.close()


class HeldDisk(FakeStore):
    """A disk that takes its time with the decisions about ways out."""

    def __init__(self) -> None:
        self.memory = MemoryStore()
        super().__init__(self.memory)
        self.free = asyncio.Event()
        self.waits = asyncio.Event()

    async def record(self, unit: Unit) -> Receipt | Conflict:
        receipt = await super().record(unit)
        is_way = any(entry.tool == CONNECT and entry.kind is EntryKind.DECISION for entry in unit.entries)
        return HeldReceipt(self, receipt) if is_way and not isinstance(receipt, Conflict) else receipt


@dataclass(frozen=True)
class HeldReceipt:
    disk: HeldDisk
    inner: Receipt

    @property
    def first_seq(self) -> int:
        return self.inner.first_seq

    async def journaled(self) -> None:
        await self.inner.journaled()

    async def durable(self) -> None:
        self.disk.waits.set()
        await self.disk.free.wait()


@pytest.mark.requirement("I10", "I18")
async def test_what_a_run_is_given_while_a_way_out_is_being_recorded_counts_for_it() -> None:
    disk = HeldDisk()
    world, run = await knowing(reads=False, store=(disk, disk.memory))
    task = asyncio.create_task(admit(world, run, Opening("pypi.example.com", 443)))
    await disk.waits.wait()
    await world.call(run, "orders__get", {"order": "A"})
    disk.free.set()
    while not (tickets := await world.store.tickets(frozenset({TicketState.PENDING}))):
        assert not task.done(), task.result()
        await asyncio.sleep(0)
    assert [gate.code for gate in tickets[0].gates] == [ReasonCode.RULE_OF_TWO]
    await world.approve(tickets[0])
    assert world.connections.lives(cast(Admitted, await task))
    await world.connections.close()


@pytest.mark.requirement("I10", "I18")
async def test_the_way_out_that_brings_the_other_half_asks_too() -> None:
    """What comes in by it may steer the run, and what the run holds could go out by the same way."""
    world, run = await knowing(reads=False, trust=Trust.TRUSTED)
    await world.call(run, "orders__get", {"order": "A"})
    task = await asked(world, run, Opening("pypi.example.com", 443))
    (ticket,) = await world.store.tickets(frozenset({TicketState.PENDING}))
    await world.deny(ticket)
    assert isinstance(await task, NotAdmitted)
    await world.connections.close()


@pytest.mark.requirement("I10", "I18")
async def test_what_was_decided_for_somebody_who_went_away_is_no_way_for_who_comes_after() -> None:
    disk = HeldDisk()
    world, run = await knowing(reads=False, store=(disk, disk.memory))
    gone = asyncio.create_task(admit(world, run, Opening("pypi.example.com", 443)))
    await disk.waits.wait()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    await world.call(run, "orders__get", {"order": "A"})
    disk.waits.clear()
    task = asyncio.create_task(admit(world, run, Opening("pypi.example.com", 443)))
    await disk.waits.wait()
    disk.free.set()
    for _ in range(200):
        await asyncio.sleep(0)
    assert not task.done(), task.result()
    (ticket,) = await world.store.tickets(frozenset({TicketState.PENDING}))
    await world.deny(ticket)
    assert isinstance(await task, NotAdmitted)
    await world.connections.close()
