"""The processes of one stdio server: one for each principal, started when needed, ended when idle or forgotten."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from ringfence.adapters.upstream.options import CATALOGUE, StdioOptions
from ringfence.adapters.upstream.stdio_link import Link
from ringfence.adapters.wire.mcp import NO_CAPABILITIES, Era
from ringfence.errors import UnavailableError

Key = tuple[str, bytes]
"""A principal and what is declared for it, since a legacy handshake fixes that for good; nothing in the modern era."""


@dataclass(slots=True)
class _Slot:
    lock: asyncio.Lock
    link: Link | None = None
    timer: asyncio.TimerHandle | None = None
    idle_since: float = 0.0


class Processes:
    def __init__(self, options: StdioOptions, oddities: Counter[str]) -> None:
        self._options = options
        self._oddities = oddities
        self._era = options.era
        self._slots: dict[Key, _Slot] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def link(self, principal: str, capabilities: bytes = NO_CAPABILITIES) -> Link:
        """The principal's process, started where there is none. Raises UnavailableError."""
        if capabilities != NO_CAPABILITIES and self._era is None:
            # Only the older era needs a process for each set of capabilities.
            await self.link(CATALOGUE)
        key = (principal, NO_CAPABILITIES if self._era is Era.MODERN else capabilities)
        while not self._closed:
            slot = self._slots.get(key)
            if slot is None:
                if len(self._slots) >= self._options.max_processes:
                    raise UnavailableError("too many processes of this server are running")
                slot = self._slots[key] = _Slot(asyncio.Lock())
            if slot.link is not None and not slot.link.ended:
                return slot.link
            async with slot.lock:
                if self._slots.get(key) is not slot:
                    continue
                link = slot.link
                if link is None or link.ended:
                    slot.link = None
                    try:
                        slot.link = link = await self._start(key)
                        self._idle(key)
                    finally:
                        if slot.link is None:
                            self._drop(key, slot)
                return link
        raise UnavailableError("the upstream is closed")

    async def _start(self, key: Key) -> Link:
        link = await self._open(key, self._era)
        if link.ended:
            # Some older servers end when they are asked for what they do not know: start again without asking.
            link = await self._open(key, Era.LEGACY)
        self._era = link.era
        return link

    async def _open(self, key: Key, era: Era | None) -> Link:
        """Raises UnavailableError, except where an unasked-for probe may have ended the process."""
        link = Link(
            self._options,
            self._oddities,
            key[1],
            on_idle=lambda: self._idle(key),
            on_end=lambda ended: self._spawn(ended.stop()),
        )
        try:
            await link.open(era)
        except UnavailableError:
            if era is None and link.ended:
                return link
            self._spawn(link.stop())
            raise
        except BaseException:
            link.kill("its start was cancelled")
            raise
        return link

    def _idle(self, key: Key) -> None:
        """A process has nothing in flight: it is given up later, unless it is used again. One timer serves many calls."""
        slot = self._slots.get(key)
        if slot is not None:
            loop = asyncio.get_running_loop()
            slot.idle_since = loop.time()
            if slot.timer is None:
                slot.timer = loop.call_later(self._options.idle_s, self._expire, key, slot)

    def _expire(self, key: Key, slot: _Slot) -> None:
        slot.timer = None
        link = slot.link
        if link is None or not link.is_idle:
            # It says so when it is idle again.
            return
        loop = asyncio.get_running_loop()
        rest = slot.idle_since + self._options.idle_s - loop.time()
        if rest > 0:
            slot.timer = loop.call_later(rest, self._expire, key, slot)
            return
        self._drop(key, slot)
        self._spawn(link.stop())

    def _drop(self, key: Key, slot: _Slot) -> None:
        if slot.timer is not None:
            slot.timer.cancel()
        if self._slots.get(key) is slot:
            del self._slots[key]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- the end

    async def forget(self, principal: str) -> None:
        """End every process of a principal."""
        await asyncio.gather(*(self._forget(key) for key in list(self._slots) if key[0] == principal))

    async def _forget(self, key: Key) -> None:
        slot = self._slots.get(key)
        if slot is None:
            return
        self._drop(key, slot)
        async with slot.lock:
            link = slot.link
        if link is not None:
            await link.stop()

    async def close(self) -> None:
        self._closed = True
        await asyncio.gather(*(self._forget(key) for key in list(self._slots)))
        if self._tasks:
            await asyncio.wait(self._tasks)
