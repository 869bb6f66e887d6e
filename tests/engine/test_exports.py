"""A result on its way out of a box is a call: decided, bound to one bundle, recorded before and after, stopped by a kill."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ringfence.core.box_profiles import PROFILES
from ringfence.core.model.run import Posture
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.ticket import Ticket
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.own_tools.exporting import EXPORT, branch_of
from ringfence.core.records.entry import EntryKind
from ringfence.engine.identity.identify import Presented
from ringfence.engine.outcome import Ambiguous, NotSent, Outcome, Refused, Returned, Waiting
from ringfence.engine.request import ToolRequest
from ringfence.engine.runs.runs import Opened
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World

LISTENER = "box:" + "A" * 43
pytestmark = pytest.mark.requirement("I18")


class Supervisor:
    """The other end: lands what it is told to, and counts."""

    def __init__(self, world: World, run: Opened, *, says: Mapping[str, Any] | None = None, goes_away: bool = False) -> None:
        self.world, self.run, self.landed = world, run, 0
        self.says = None if goes_away else (says or {"branch": branch_of(run.run.id), "head": "a" * 40})
        self.tickets: asyncio.Queue[Ticket] = asyncio.Queue()
        self.stays = True
        self.presented = Presented(run.credential, Posture.BOXED, frozenset({LISTENER}))

    async def land(self) -> Mapping[str, Any] | None:
        self.landed += 1
        return self.says

    async def waits(self, ticket: Ticket) -> bool:
        self.tickets.put_nowait(ticket)
        return self.stays

    def arguments(self, **changes: Any) -> dict[str, Any]:
        return {
            "repo": "/srv/repo", "branch": branch_of(self.run.run.id), "base": "b" * 40, "head": "a" * 40, "bundle": "c" * 64,
            "bytes": 10, "commits": 1, "paths": 1, "protected": [], "refused": [], "diff": "", **changes,
        }  # fmt: skip

    async def export(self, **changes: Any) -> Outcome:
        return await self.world.exports.export(self.presented, self.arguments(**changes), self.land, self.waits)


async def supervisor(**options: Any) -> Supervisor:
    shop = shop_rules()
    agent = replace(shop.agents[SUPPORT], box=PROFILES["code"])
    world = await World.build(rules=replace(shop, agents={**shop.agents, SUPPORT: agent}))
    await world.operator()
    run = await world.runs.open(SUPPORT, "t", by="operator:grace", trusted=True, binding=LISTENER)
    assert isinstance(run, Opened)
    return Supervisor(world, run, **options)


async def recorded(world: World) -> list[tuple[str, str]]:
    return [(e["kind"], e["decision"]) for e in await world.entries() if e["tool"] == EXPORT]


@pytest.mark.requirement("I1")
async def test_what_touches_nothing_protected_lands_after_its_entry() -> None:
    one = await supervisor()
    outcome = await one.export()
    assert isinstance(outcome, Returned)
    assert one.landed == 1
    assert await recorded(one.world) == [(EntryKind.DECISION, "allow"), (EntryKind.OUTCOME, "returned")]
    last = (await one.world.entries())[-1]
    assert last["body"]["workspace"] == {"branch": branch_of(one.run.run.id), "head": "a" * 40}


@pytest.mark.parametrize(
    "changes",
    [
        {"refused": ["a symbolic link: 'x'"]},
        {"refused": ["a symbolic link: 'x'"], "protected": ["Makefile"]},
        {"branch": "main"},
        {"branch": "agent/another-run"},
        {"bundle": "short"},
        {"refused": "none"},
        {"protected": None},
        {"protected": ["x"] * 501},
        {"more": 1},
    ],
)
async def test_what_the_gate_found_fault_with_is_denied_and_never_lands(changes: dict[str, Any]) -> None:
    one = await supervisor()
    outcome = await one.export(**changes)
    assert isinstance(outcome, Refused)
    assert one.landed == 0
    assert await recorded(one.world) == [(EntryKind.DECISION, "deny")]


@pytest.mark.requirement("I4", "I5")
async def test_an_approval_lets_exactly_this_bundle_land_once() -> None:
    one = await supervisor()
    under_way = asyncio.create_task(one.export(protected=["Makefile"]))
    ticket = await asyncio.wait_for(one.tickets.get(), 10)
    assert [gate.code for gate in ticket.gates] == [ReasonCode.WORKSPACE]
    assert b"Makefile" in ticket.card
    await one.world.approve(ticket)
    assert isinstance(await under_way, Returned)
    assert one.landed == 1

    one.stays = False
    for changes in ({}, {"bundle": "d" * 64}, {"head": "e" * 40}, {"repo": "/srv/other"}):
        assert isinstance(await one.export(protected=["Makefile"], **changes), Waiting), changes
    assert one.landed == 1


async def test_an_approval_of_one_bundle_is_none_of_another() -> None:
    one = await supervisor()
    one.stays = False
    waiting = await one.export(protected=["Makefile"])
    assert isinstance(waiting, Waiting)
    await one.world.approve(waiting.ticket)
    assert isinstance(await one.export(protected=["Makefile"], bundle="d" * 64), Waiting)
    assert one.landed == 0


async def test_a_denial_ends_it() -> None:
    one = await supervisor()
    under_way = asyncio.create_task(one.export(protected=["Makefile"]))
    await one.world.deny(await one.tickets.get())
    outcome = await under_way
    assert isinstance(outcome, Refused)
    assert outcome.reasons[0].code is ReasonCode.APPROVAL_DENIED
    assert one.landed == 0


async def test_whoever_does_not_wait_leaves_the_ticket() -> None:
    one = await supervisor()
    one.stays = False
    waiting = await one.export(protected=["Makefile"])
    assert isinstance(waiting, Waiting)
    await one.world.approve(waiting.ticket)
    assert isinstance(await one.export(protected=["Makefile"]), Returned)
    assert one.landed == 1


@pytest.mark.requirement("I6")
async def test_a_kill_keeps_it_in() -> None:
    one = await supervisor()
    scope = Scope(ScopeKind.RUN, one.run.run.id)
    await one.world.stops.stop(StopMode.KILL, scope, by="operator:ada", reason="enough")
    assert isinstance(await one.export(), Refused)
    assert one.landed == 0


async def test_a_supervisor_that_goes_away_leaves_an_unknown_outcome() -> None:
    one = await supervisor(goes_away=True)
    assert isinstance(await one.export(), Ambiguous)
    assert (await recorded(one.world))[-1] == (EntryKind.OUTCOME, "ambiguous")


async def test_a_repository_that_does_not_take_it_is_recorded_so() -> None:
    one = await supervisor(says={"failed": "the repository has that branch already"})
    outcome = await one.export()
    assert isinstance(outcome, Returned)
    assert outcome.result["isError"] is True
    assert (await one.world.entries())[-1]["body"]["is_error"] is True


async def test_no_agent_can_call_it_and_nobody_else_lands_it() -> None:
    one = await supervisor()
    outcome = await one.world.enforcer.enforce(one.presented, ToolRequest("workspace__export", one.arguments()))
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.UNKNOWN_TOOL
    alone = await one.world.enforcer.export(one.presented, one.arguments())
    assert isinstance(alone, NotSent)
    assert one.landed == 0
