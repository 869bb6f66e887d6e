"""What goes wrong on the host's side while an attempt runs, and what is left when it is over."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
from tests.servers.gateway_process import GatewayProcess

ANSWERS_S = 5.0
MOST_GROWTH_MIB = 96.0
LOOK_S = 0.25
FAILS = 500


class Watch:
    """The gateway's answers and memory, while a box does its worst."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self._gateway = gateway
        self.trouble = ""

    async def look(self) -> None:
        before = self._gateway.memory_mib()
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWERS_S), connector=connector) as asked:
            while True:
                await self._once(asked, before)
                await asyncio.sleep(LOOK_S)

    async def _once(self, asked: aiohttp.ClientSession, before: float) -> None:
        try:
            async with asked.get(f"{self._gateway.url}/healthz") as answer:
                await answer.read()
                if answer.status >= FAILS:
                    self.trouble = f"the gateway answers others with {answer.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            self.trouble = f"the gateway does not answer others: {type(error).__name__}"
        grown = self._gateway.memory_mib() - before
        if grown > MOST_GROWTH_MIB:
            self.trouble = f"the gateway grew by {grown:.0f} MiB"


@asynccontextmanager
async def watching(gateway: GatewayProcess) -> AsyncGenerator[Watch]:
    watch = Watch(gateway)
    looking = asyncio.create_task(watch.look())
    try:
        yield watch
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    if not gateway.is_running:
        watch.trouble = "the gateway is dead"


def alive(mark: str) -> list[int]:
    """Processes of this machine that an attempt has left: its mark is in their environment."""
    found: list[int] = []
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            with suppress(OSError):
                if mark.encode() in Path(entry.path, "environ").read_bytes():
                    found.append(int(entry.name))
    return found


def end(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
