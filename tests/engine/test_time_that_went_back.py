"""A start whose clock is behind the log."""

import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.core.model.identifiers import AgentId
from ringfence.engine.outcome import Refused, Returned
from ringfence.engine.runs.runs import Opened
from ringfence.engine.upkeep.recovery import distrust_time
from ringfence.testing.fakes.clock import START, FakeClock
from ringfence.testing.world import World

HOUR = 3_600_000
ORDER = {"order": "A1"}

pytestmark = pytest.mark.requirement("I8")


@pytest.mark.parametrize(
    ("start", "lives"), [(START - HOUR, False), (START - 2001, False), (START - 1000, True), (START, True)]
)
async def test_what_has_a_limited_life_ends_when_time_went_back_between_two_processes(start: int, lives: bool) -> None:
    memory = MemoryStore()
    before = await World.build(store=(memory, memory))
    limited = await before.open_run()
    standing = await before.runs.open(AgentId("support"), "", by="operator:ada", trusted=False, standing=True)
    assert isinstance(standing, Opened)
    after = await World.build(store=(memory, memory), clock=FakeClock(start))
    assert await distrust_time(memory, memory, after.clock) == (0 if lives else 1)
    assert isinstance(await after.call(limited, "orders__get", ORDER), Returned if lives else Refused)
    assert isinstance(await after.call(standing, "orders__get", ORDER), Returned)


async def test_an_empty_log_is_no_reason_for_distrust() -> None:
    memory = MemoryStore()
    assert await distrust_time(memory, memory, FakeClock(0)) == 0
