"""Nothing brings a budget back: no new connection, pause, restart, kill in the middle of a stream, child or new run."""

import asyncio
from pathlib import Path
from typing import Any

import anthropic
import pytest
from tests.servers.metered_gateway import MODEL, Metered, metered, scripted

CAPS = {"tokens_out": ["1000 per run", "1500 per day"]}
PATIENCE_S = 20


async def ask(shop: Metered, credential: str, most: int, **script: Any) -> int:
    """A request by a client of its own, and so over a connection of its own: its status."""
    usage = {"output_tokens": most}
    async with shop.client(credential) as client:
        try:
            await client.messages.create(model=MODEL, max_tokens=most, messages=scripted(usage=usage, **script))
        except anthropic.APIStatusError as error:
            return error.status_code
    return 200


async def rest_of(stream: anthropic.AsyncStream[Any]) -> int:
    return len([event async for event in stream])


async def assert_left(shop: Metered, credential: str, left: int, status: int = 402) -> None:
    """One token more than what is left is refused. What is left is not used up by looking."""
    assert await ask(shop, credential, left + 1) == status


@pytest.mark.requirement("I2")
@pytest.mark.requirement("I14")
async def test_nothing_brings_a_budget_back(tmp_path: Path) -> None:
    async with metered(tmp_path, CAPS) as shop:
        run, credential = await shop.people.open_run("coder")
        assert await ask(shop, credential, 300) == 200
        await assert_left(shop, credential, 700)

        async with shop.client(credential) as client:
            words = scripted(text=["a", "b"], wait_after=1)
            stream = await client.messages.create(model=MODEL, max_tokens=400, messages=words, stream=True)
            await shop.model.waiting.wait()
            await shop.process.kill()
            async with asyncio.timeout(PATIENCE_S):
                (broken,) = await asyncio.gather(rest_of(stream), return_exceptions=True)
            assert isinstance(broken, Exception)
        shop.model.go_on.set()
        await shop.process.start()
        async with shop.process.people() as people:
            shop = Metered(shop.process, people, shop.model, tmp_path)
            await assert_left(shop, credential, 300)
            scope = {"scope": {"run": run}, "reason": "as the test says"}
            await people.done("POST", "/pause", scope)
            await people.done("POST", "/resume", scope)
            await assert_left(shop, credential, 300)
            child, of_child = await people.open_run("coder", run)
            await assert_left(shop, of_child, 300)
        assert await shop.process.stop() == 0
        await shop.process.start()
        async with shop.process.people() as people:
            shop = Metered(shop.process, people, shop.model, tmp_path)
            assert await ask(shop, of_child, 300) == 200
            for each in (credential, of_child):
                await assert_left(shop, each, 0)
            await people.done("POST", f"/runs/{child}/close", {"reason": "it is done"})
            _, another = await people.open_run("coder", run)
            await assert_left(shop, another, 0)
            await people.done("POST", f"/runs/{run}/close", {"reason": "it is done"})
            # A run that a person opens anew has a budget of its own, and what all runs of the agent share is used all the same.
            _, anew = await people.open_run("coder")
            await assert_left(shop, anew, 500, status=429)
            assert await ask(shop, anew, 500) == 200
            assert await ask(shop, anew, 1) == 429
