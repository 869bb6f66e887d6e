"""A model's URL, a key and caps, and nothing else: a real gateway that ends loops by itself and leaves waiting alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import pytest
from tests.servers.metered_gateway import MODEL, Metered, metered

CAPS = {"spend": "5 per run"}
MOST = 40


class Loop:
    """A client that says the same thing in a conversation that grows, streaming or not."""

    def __init__(self, client: anthropic.AsyncAnthropic, *, stream: bool) -> None:
        self._client = client
        self._stream = stream
        self._messages: list[Any] = []

    async def turn(self, say: str) -> None:
        self._messages.append({"role": "user", "content": say})
        asked: Any = {"model": MODEL, "max_tokens": 100, "messages": self._messages, "timeout": 3}
        if self._stream:
            async with self._client.messages.stream(**asked) as stream:
                answer = await stream.get_final_message()
        else:
            answer = await self._client.messages.create(**asked)
        self._messages.append({"role": "assistant", "content": answer.content})


async def until_held(loop: Loop) -> int:
    """How many turns are answered before one is held."""
    for made in range(MOST):
        try:
            await loop.turn(f"add more, this is attempt {made}")
        except anthropic.APITimeoutError:
            return made
    return MOST


async def run_of(shop: Metered) -> tuple[str, str]:
    opened = await shop.people.done("POST", "/runs", {"agent": "coder", "task": "look around"})
    return opened["run"], opened["credential"]


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_loop_of_requests_is_paused_and_an_operator_lets_it_go_on(tmp_path: Path, stream: bool) -> None:
    async with metered(tmp_path, CAPS) as shop:
        run, credential = await run_of(shop)
        async with shop.client(credential) as client:
            made = await until_held(Loop(client, stream=stream))
        assert made == len(shop.model.generated())
        assert 12 <= made <= 15
        (stop,) = (await shop.people.done("GET", "/stops"))["stops"]
        assert (stop["by"], stop["scope"]["target"]) == ("guard:no_progress", run)
        await shop.people.done("POST", "/resume", {"id": stop["id"], "reason": "looked at it"})
        async with shop.client(credential) as again:
            await Loop(again, stream=stream).turn("something else")
        assert len(shop.model.generated()) == made + 1


async def test_other_questions_are_answered_as_long_as_they_come(tmp_path: Path) -> None:
    async with metered(tmp_path, CAPS) as shop:
        _, credential = await run_of(shop)
        async with shop.client(credential) as client:
            for number in range(MOST):
                await Loop(client, stream=False).turn(f"is document {number} a letter?")
        assert len(shop.model.generated()) == MOST
        assert (await shop.people.done("GET", "/stops"))["stops"] == []
