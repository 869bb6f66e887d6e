"""A call with a person beside it: what waits is decided at once, and the call is followed to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from ringfence.app.drills.hijacked import Answer, Hijacked
from ringfence.app.drills.stage import Stage

GLANCE_S: Final = 0.03
"""How often people look whether something waits for them."""
ROUNDS: Final = 5
"""How often a call is repeated whose client was told that it is pending."""

Decide = Callable[[Mapping[str, Any]], bool]
"""Whether a ticket is approved."""


async def call_with_person(
    stage: Stage, agent: Hijacked, run: str, tool: str, arguments: Mapping[str, Any], decide: Decide
) -> tuple[Answer, int]:
    """The answer in the end, and how many questions were asked on the way."""
    asked: set[str] = set()
    for rounds in range(1, ROUNDS + 1):
        calling = asyncio.create_task(agent.call(tool, arguments))
        while not calling.done():
            await asyncio.wait({calling}, timeout=GLANCE_S)
            if not calling.done():
                await _decide_all(stage, run, decide, asked)
        answer = calling.result()
        if answer.kind != "pending" or rounds == ROUNDS:
            return answer, len(asked)
        # The client may have been told before anybody looked.
        await _decide_all(stage, run, decide, asked)
    raise AssertionError("the last round returns")


async def _decide_all(stage: Stage, run: str, decide: Decide, asked: set[str]) -> None:
    for ticket in await stage.people.waiting(run):
        if ticket["id"] in asked:
            continue
        asked.add(ticket["id"])
        decision = "approve" if decide(ticket) else "deny"
        await stage.people.decide(ticket, decision, "what the task asks for" if decision == "approve" else "not asked for")
        if decision == "approve" and any(one["id"] == ticket["id"] for one in await stage.people.waiting(run)):
            await stage.others.decide(ticket, decision, "what the task asks for")
