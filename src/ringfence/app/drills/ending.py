"""Ends a drill in order when its own process is told to end: what it started has sessions of its own, and would stay."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from ringfence.errors import UnavailableError

T = TypeVar("T")


def run_to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, but SIGTERM cancels the work as Ctrl-C does. Raises: UnavailableError after SIGTERM."""
    return asyncio.run(_watched(work))


async def _watched(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    told: list[bool] = []

    def end() -> None:
        told.append(True)
        task.cancel()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, end)
    try:
        return await task
    except asyncio.CancelledError:
        if told:
            raise UnavailableError("the drill was told to end") from None
        task.cancel()
        raise
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
