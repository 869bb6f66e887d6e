"""Taking turns by key."""

from __future__ import annotations

import asyncio

import pytest

from ringfence.engine.waiting.turns import Turns


async def test_one_at_a_time_for_a_key_and_all_at_once_for_different_ones() -> None:
    turns, inside, most = Turns(), {"a": 0, "b": 0}, 0

    async def take(key: str) -> None:
        nonlocal most
        async with turns.of(key):
            inside[key] += 1
            assert inside[key] == 1
            most = max(most, sum(inside.values()))
            await asyncio.sleep(0)
            inside[key] -= 1

    await asyncio.gather(*(take(key) for key in "ababab"))
    assert most == 2
    assert len(turns) == 0


async def test_nothing_is_remembered_of_one_that_failed_or_was_cancelled() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="x"):
        async with turns.of("k"):
            raise ValueError("x")

    async def wait() -> None:
        async with turns.of("k"):
            await asyncio.Event().wait()

    tasks = [asyncio.ensure_future(wait()) for _ in range(3)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(turns) == 0
