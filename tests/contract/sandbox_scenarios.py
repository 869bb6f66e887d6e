"""Every scenario of the sandbox port by its name: `python -m tests.contract.sandbox_scenarios NAME` runs one."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable
from types import ModuleType

from tests.contract import sandbox_bounds, sandbox_ends, sandbox_left, sandbox_room, sandbox_walls
from tests.contract.sandbox_world import SandboxWorld, sandbox_world


def _of(module: ModuleType) -> dict[str, Callable[[SandboxWorld], Awaitable[None]]]:
    return {
        name: each
        for name, each in vars(module).items()
        if inspect.iscoroutinefunction(each) and each.__module__ == module.__name__ and not name.startswith("_")
    }


ALL = _of(sandbox_walls) | _of(sandbox_room) | _of(sandbox_bounds) | _of(sandbox_ends) | _of(sandbox_left)
FOR_ROOT = frozenset({"out_of_memory_is_told_apart"})
"""What an ordinary user without a delegated cgroup does not have."""


async def _one(name: str) -> None:
    with sandbox_world() as world:
        await ALL[name](world)


if __name__ == "__main__":
    asyncio.run(_one(sys.argv[1]))
