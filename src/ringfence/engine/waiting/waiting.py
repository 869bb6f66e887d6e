"""Waiting that a test can drive: the clock is a port, so a deadline is a sleep on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any

from ringfence.ports.clock import Clock


async def settled(waits: Iterable[Awaitable[Any]], clock: Clock, seconds: float) -> bool:
    """Wait until all are done, at most so many seconds. True: all are. Those that are late are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    if not tasks:
        return True
    together = asyncio.ensure_future(asyncio.wait(tasks))
    deadline = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({together, deadline}, return_when=asyncio.FIRST_COMPLETED)
        return all(task.done() for task in tasks)
    finally:
        for task in (together, deadline, *tasks):
            task.cancel()
