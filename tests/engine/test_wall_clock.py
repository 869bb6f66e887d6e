"""The wall clock of a run: over restarts, and over pauses as the configuration says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.core.model.agent import Limits
from ringfence.core.model.operator import Operator
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.rules import Rules
from ringfence.engine.outcome import Refused, Returned
from ringfence.engine.runs.runs import Opened
from ringfence.engine.stopping.stops import Lifted, Stopped
from ringfence.testing.scenario import shop_rules
from ringfence.testing.world import World

pytestmark = pytest.mark.requirement("I7")

MINUTE = 60_000


def rules(*, counts_pauses: bool) -> Rules:
    return shop_rules(limits=Limits(wall_clock_s=60, counts_pauses=counts_pauses))


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MemoryStore | SqliteStore]:
    opened = MemoryStore() if request.param == "memory" else await open_store(tmp_path)
    yield opened
    await opened.close()


async def is_served(world: World, run: Opened) -> bool:
    outcome = await world.call(run, "orders__get", {"order": "A1"})
    if isinstance(outcome, Refused):
        assert outcome.code is ReasonCode.WALL_CLOCK
    return isinstance(outcome, Returned)


async def paused_for(world: World, ada: Operator, scope: Scope, length: int) -> None:
    stopped = await world.stops.stop(StopMode.PAUSE, scope, reason="as the test says", by="operator:ada")
    assert isinstance(stopped, Stopped)
    world.clock.advance(length)
    assert isinstance(await world.stops.lift(stopped.stop.id, ada, reason="it goes on", confirmed=False), Lifted)


async def test_a_pause_counts_unless_the_configuration_says_that_it_is_free(store: MemoryStore | SqliteStore) -> None:
    for counts_pauses in (True, False):
        world = await World.build(rules=rules(counts_pauses=counts_pauses), store=(store, store))
        ada = await world.operator("ada")
        run = await world.open_run()
        child = await world.open_run(parent=run.run)
        world.clock.advance(MINUTE // 2)
        await paused_for(world, ada, Scope(ScopeKind.RUN, run.run.id), 10 * MINUTE)
        assert [await is_served(world, each) for each in (run, child)] == [not counts_pauses] * 2
        meters = await world.budgets.of_run(run.run.id)
        assert isinstance(meters, tuple)
        assert [one.used for one in meters[1] if one.kind == "wall_clock"] == [630 if counts_pauses else 30]
        world.clock.advance(MINUTE // 2)
        assert not await is_served(world, run)


async def test_a_paused_tool_stops_no_clock() -> None:
    world = await World.build(rules=rules(counts_pauses=False))
    ada, run = await world.operator("ada"), await world.open_run()
    await paused_for(world, ada, Scope(ScopeKind.TOOL, "payments.refund"), MINUTE)
    assert not await is_served(world, run)


async def test_what_a_run_has_used_of_its_time_is_kept_over_a_restart_with_its_pauses(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    world = await World.build(rules=rules(counts_pauses=False), store=(store, store))
    ada, run = await world.operator("ada"), await world.open_run()
    world.clock.advance(MINUTE // 2)
    await paused_for(world, ada, Scope(ScopeKind.EVERYTHING), 5 * MINUTE)
    await store.close()
    store = await open_store(tmp_path)
    after = await World.build(rules=rules(counts_pauses=False), store=(store, store), clock=world.clock)
    assert await is_served(after, run)
    world.clock.advance(MINUTE // 2)
    assert not await is_served(after, run)
    await store.close()
