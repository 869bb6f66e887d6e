"""Money over a whole tree of runs, on real stores: in parallel, over a restart and a kill -9, never a micro-unit too much."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.adapters.faulty_disk import PATIENCE_S
from tests.adapters.metering_child import CAP, LINES, ROOT, open_tree, request

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.adapters.stores.sqlite.store import open_store
from ringfence.core.ledger.moves import held_of, used_of
from ringfence.core.model.identifiers import RunId
from ringfence.core.records.state import Account
from ringfence.engine.upkeep.recovery import recover
from ringfence.ports.store import Store
from ringfence.testing.fakes.clock import FakeClock

REQUESTS = 1000
FILES = Path(__file__).parents[2]


@asynccontextmanager
async def a_store(kind: str, directory: Path) -> AsyncGenerator[Store]:
    if kind == "memory":
        yield MemoryStore()
        return
    store = await open_store(directory)
    try:
        yield store
    finally:
        await store.close()


async def used(store: Store, meter: str = ROOT) -> int:
    (found,) = await store.meters([meter])
    return used_of(found, 1) if found is not None else 0


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_thousand_requests_at_once_over_a_tree_end_exactly_at_the_edge_of_its_cap(kind: str, tmp_path: Path) -> None:
    async with a_store(kind, tmp_path) as store:
        await open_tree(store)
        cost = CAP // 600  # 600 of them fit, and a few micro-units are left
        each = (request(store, f"c{n}", LINES[n % len(LINES)], cost, cost) for n in range(REQUESTS))
        answers = await asyncio.gather(*each)
        assert sum(answer is not None for answer in answers) == CAP // cost
        assert await used(store) == CAP // cost * cost <= CAP
        assert await used(store, "model_calls:run/root:all") == CAP // cost
        assert await store.holds() == {}
        assert await store.account(RunId("root")) == Account()


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_what_was_held_and_not_used_serves_others_and_nothing_is_overspent(kind: str, tmp_path: Path) -> None:
    drawn = random.Random(7)
    async with a_store(kind, tmp_path) as store:
        await open_tree(store)
        highest = 0

        async def one(number: int) -> int | None:
            nonlocal highest
            most = drawn.randrange(1, CAP // 100)
            answer = await request(store, f"c{number}", drawn.choice(LINES), most, drawn.randrange(most + 1))
            highest = max(highest, await used(store))
            return answer

        answers = await asyncio.gather(*(one(number) for number in range(REQUESTS)))
        settled = [answer for answer in answers if answer is not None]
        assert len(answers) == REQUESTS
        assert 0 < len(settled) < REQUESTS
        assert await used(store) == sum(settled) <= highest <= CAP
        assert await used(store, "model_calls:run/root:all") == len(settled)


@pytest.mark.requirement("I7", "I14")
async def test_after_kill_9_what_was_under_way_counts_at_its_most_and_the_cap_holds_on(tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.adapters.metering_child", str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=FILES
    )
    assert child.stdout is not None
    said = [await asyncio.wait_for(child.stdout.readline(), PATIENCE_S) for _ in range(250)]
    child.kill()
    said += (await child.stdout.read()).splitlines(keepends=True)
    await child.wait()
    told = dict(line.decode().split() for line in said if line.endswith(b"\n"))
    settled = sum(int(text) for text in told.values() if text != "-")

    async with a_store("sqlite", tmp_path) as store:
        lost = await store.holds()
        (meter,) = await store.meters([ROOT])
        assert meter is not None
        held = sum(charge.amount for hold in lost.values() for charge in hold.charges if charge.meter == ROOT)
        assert held_of(meter) == held
        assert not set(told) & set(lost)
        before = used_of(meter, 1)
        assert settled + held <= before <= CAP
        assert await recover(store, FakeClock()) == len(lost)
        assert await store.holds() == {}
        assert await used(store) == before
        # The rest of the cap is what is left, to the micro-unit.
        assert await request(store, "over", LINES[0], CAP - before + 1, 0) is None
        assert await request(store, "rest", LINES[-1], CAP - before, CAP - before) == CAP - before
    async with a_store("sqlite", tmp_path) as store:
        assert await used(store) == CAP
        assert await request(store, "more", LINES[5], 1, 1) is None
