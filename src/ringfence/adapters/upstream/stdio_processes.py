"""The processes of one stdio server: one for each principal, started when needed, ended when idle or forgotten."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ringfence.adapters.upstream.backoff import Jitter, no_jitter
from ringfence.adapters.upstream.last_words import MOST_LINES
from ringfence.adapters.upstream.options import CATALOGUE, StdioOptions
from ringfence.adapters.upstream.stdio_care import Care, Key
from ringfence.adapters.upstream.stdio_link import Link
from ringfence.adapters.wire.mcp import NO_CAPABILITIES, Era
from ringfence.errors import UnavailableError
from ringfence.ports.secrets import Secret
from ringfence.ports.upstream import Health, HealthState


@dataclass(slots=True)
class _Slot:
    lock: asyncio.Lock
    link: Link | None = None
    timer: asyncio.TimerHandle | None = None
    idle_since: float = 0.0


class Processes:
    def __init__(self, options: StdioOptions, oddities: Counter[str], jitter: Jitter = no_jitter) -> None:
        self._options = options
        self._oddities = oddities
        self._era = options.era
        self._has_older: bool | None = None if options.era is None else False
        self._care = Care(options, jitter)
        self._starting = 0
        self._slots: dict[Key, _Slot] = {}
        self._given: dict[str, Mapping[str, Secret]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def give(self, principal: str, env: Mapping[str, Secret]) -> None:
        """Further variables of the principal's processes that start from now on."""
        if env:
            self._given[principal] = env

    async def link(self, principal: str, capabilities: bytes = NO_CAPABILITIES) -> Link:
        """The principal's process, started where there is none.

        Raises UnavailableError, at once while the server is left alone after it failed.
        """
        if capabilities != NO_CAPABILITIES:
            # Only the older era needs a process for each set of capabilities.
            await self._settle()
        return await self._link(Key(principal, NO_CAPABILITIES if self._era is Era.MODERN else capabilities))

    async def older(self, principal: str, capabilities: bytes) -> Link | None:
        """A process of its own that is spoken to in the legacy era, where a modern server serves that as well.

        The server does not say so: the handshake is tried, once. None: it does not, or it belongs to the older era anyway.
        Raises UnavailableError.
        """
        await self._settle()
        if self._era is not Era.MODERN or self._has_older is False:
            return None
        try:
            return await self._link(Key(principal, capabilities, is_older=True))
        except UnavailableError:
            return None

    async def _settle(self) -> None:
        if self._era is None:
            await self._link(Key(CATALOGUE, NO_CAPABILITIES))

    async def _link(self, key: Key) -> Link:
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
        self._care.check(key, is_being_tried=self._starting > 0)
        self._starting += 1
        try:
            link = await self._open(key, Era.LEGACY if key.is_older else self._era)
            if link.ended:
                # Some older servers end when they are asked for what they do not know: start again without asking.
                link = await self._open(key, Era.LEGACY)
        except UnavailableError as error:
            if key.is_older:
                self._has_older = self._has_older or False
            self._care.not_started(key, error)
            raise
        finally:
            self._starting -= 1
        self._care.started(key)
        if key.is_older:
            self._has_older = True
        else:
            self._era = link.era
        return link

    async def _open(self, key: Key, era: Era | None) -> Link:
        """Raises UnavailableError, except where an unasked-for probe may have ended the process."""
        link = Link(
            self._options_for(key.principal),
            self._oddities,
            key.capabilities,
            on_idle=lambda: self._idle(key),
            on_end=lambda ended: self._ended(key, ended),
        )
        try:
            await link.open(era)
        except UnavailableError:
            if era is None and link.ended:
                return link
            self._spawn(self._bury(link))
            raise
        except BaseException:
            link.is_our_doing = True
            link.kill("its start was cancelled")
            raise
        return link

    def _options_for(self, principal: str) -> StdioOptions:
        given = {name: value.reveal() for name, value in self._given.get(principal, {}).items()}
        if not given and self._options.box is None:
            return self._options
        hidden = self._options.hidden | frozenset(given.values())
        return replace(self._options, env={**self._options.env, **given}, hidden=hidden, principal=principal)

    def _ended(self, key: Key, link: Link) -> None:
        self._care.ended(key, link)
        self._spawn(self._bury(link))

    async def _bury(self, link: Link) -> None:
        await link.stop()
        if not link.is_our_doing:
            # Only now has everything been read that it wrote.
            self._care.last_words = link.stderr

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
            if all(other.principal != key.principal for other in self._slots):
                self._given.pop(key.principal, None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- how it is

    def health(self) -> Health:
        """Of the server as a whole: a principal whose process died is no fault of the others.

        Where no further process starts, it is not well, though some that started earlier still run.
        """
        care, error = self._care, self._care.error
        links = [slot.link for slot in self._slots.values() if slot.link is not None and not slot.link.ended]
        failures = care.failures(Key(CATALOGUE, NO_CAPABILITIES))
        if links and not care.fails_to_start:
            state = HealthState.UP
        elif self._starting:
            state = HealthState.STARTING
        elif failures.wait_s:
            state = HealthState.BACKING_OFF
        else:
            state = HealthState.UNREACHABLE if failures.failures else HealthState.IDLE
        is_down = state in (HealthState.BACKING_OFF, HealthState.UNREACHABLE, HealthState.STARTING)
        words = [line for link in links for line in link.stderr] if links else []
        return Health(
            state=state,
            transport="stdio",
            era=str(self._era) if self._era is not None else "",
            error=error[0] if error else "",
            error_s=error[1] if error else None,
            failing_s=failures.failing_s if is_down else None,
            retry_s=failures.wait_s if state is HealthState.BACKING_OFF else None,
            restarts=care.restarts,
            running=len(links),
            boxed=self._options.box.layers if self._options.box is not None else None,
            stderr=tuple(words[-MOST_LINES:]) or care.last_words,
            oddities=dict(self._oddities),
        )

    # --- the end

    async def forget(self, principal: str) -> None:
        """End every process of a principal, and of those named after it."""
        keys = [key for key in self._slots if key.principal.partition("|")[0] == principal or key.principal == principal]
        await asyncio.gather(*(self._forget(key) for key in keys))
        for named in {principal, *(key.principal for key in keys)}:
            self._given.pop(named, None)
            self._care.forget(named)

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
