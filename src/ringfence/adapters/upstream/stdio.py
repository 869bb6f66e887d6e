"""An upstream server over stdio, of either era: one process for each principal."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.adapters.upstream.answers import reply_of
from ringfence.adapters.upstream.listing import all_tools
from ringfence.adapters.upstream.options import CATALOGUE, StdioOptions
from ringfence.adapters.upstream.progress import Progress
from ringfence.adapters.upstream.stdio_link import Link
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer
from ringfence.adapters.wire.mcp import Era, call_params, modern_meta, request_meta
from ringfence.core.canonical import canonical_bytes
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import Described, Notice, NotSent, Reply, Sending, Unknown


@dataclass(slots=True)
class _Slot:
    lock: asyncio.Lock
    link: Link | None = None
    timer: asyncio.TimerHandle | None = None


class StdioUpstream:
    """Implements `ringfence.ports.upstream.Upstream`.

    What holds for the guard: `may_send` is asked right before the one synchronous step that gives the whole line to the
    pipe (see `Link.send`); where it says no, no byte of it leaves.
    """

    def __init__(self, options: StdioOptions) -> None:
        self._options = options
        self._era = options.era
        self._slots: dict[str, _Slot] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self.oddities: Counter[str] = Counter()
        """What servers sent that they should not have, by kind."""

    async def describe(self) -> Described:
        tools = await self.list_tools()
        return Described(era=str(self._era or "legacy"), capabilities={"tools": {}}, tools=tools)

    async def listen(self, uris: frozenset[str], on_notice: Callable[[Notice], None]) -> None:
        del uris, on_notice

    async def list_tools(self) -> tuple[Mapping[str, Any], ...]:
        try:
            async with asyncio.timeout(self._options.list_s):
                link = await self._link(CATALOGUE)

                async def page(cursor: str | None) -> Mapping[str, Any]:
                    return await self._page(link, cursor)

                return await all_tools(page)
        except TimeoutError as error:
            raise UnavailableError("the server's tools cannot be listed: the deadline passed") from error

    async def _page(self, link: Link, cursor: str | None) -> Mapping[str, Any]:
        params: dict[str, Any] = {} if cursor is None else {"cursor": cursor}
        if link.era is Era.MODERN:
            params["_meta"] = modern_meta()
        answer = await link.ask("tools/list", canonical_bytes(params), self._options.list_s)
        if isinstance(answer, NotSent | Unknown):
            raise UnavailableError(f"the server's tools cannot be listed: {answer.why}")
        if isinstance(answer, ErrorAnswer):
            raise UnavailableError("the server refuses to list its tools")
        return answer.result

    async def call(self, sending: Sending) -> Reply:
        if b"\n" in sending.arguments:
            return NotSent("the arguments are not canonical JSON: they hold a line break")
        attempt = _Attempt(sending)
        try:
            async with asyncio.timeout(sending.deadline_s):
                return await attempt.run(await self._link(sending.principal))
        except TimeoutError:
            if attempt.left:
                return Unknown("the deadline passed after the call was sent")
            return NotSent("the deadline passed before anything was sent")
        except UnavailableError as error:
            return NotSent(str(error))

    # --- processes

    async def _link(self, principal: str) -> Link:
        """The principal's process, started where there is none. Raises UnavailableError."""
        while not self._closed:
            slot = self._slots.get(principal)
            if slot is None:
                if len(self._slots) >= self._options.max_processes:
                    raise UnavailableError("too many processes of this server are running")
                slot = self._slots[principal] = _Slot(asyncio.Lock())
            if slot.link is not None and not slot.link.ended:
                return slot.link
            async with slot.lock:
                if self._slots.get(principal) is not slot:
                    continue
                link = slot.link
                if link is None or link.ended:
                    slot.link = None
                    try:
                        slot.link = link = await self._start(principal)
                    finally:
                        if slot.link is None:
                            self._drop(principal, slot)
                return link
        raise UnavailableError("the upstream is closed")

    async def _start(self, principal: str) -> Link:
        link = await self._open(principal, self._era)
        if link.ended:
            # Some older servers end when they are asked for what they do not know: start again without asking.
            link = await self._open(principal, Era.LEGACY)
        self._era = link.era
        return link

    async def _open(self, principal: str, era: Era | None) -> Link:
        """Raises UnavailableError, except where an unasked-for probe may have ended the process."""
        link = Link(
            self._options,
            self.oddities,
            on_idle=lambda idle: self._idle(principal, idle),
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

    def _idle(self, principal: str, link: Link) -> None:
        """A link has nothing in flight: give it up later, unless it is used again."""
        slot = self._slots.get(principal)
        if slot is None:
            return
        if slot.timer is not None:
            slot.timer.cancel()
        slot.timer = asyncio.get_running_loop().call_later(self._options.idle_s, self._expire, principal, slot, link)

    def _expire(self, principal: str, slot: _Slot, link: Link) -> None:
        if slot.link is link and link.is_idle:
            self._drop(principal, slot)
            self._spawn(link.stop())

    def _drop(self, principal: str, slot: _Slot) -> None:
        if slot.timer is not None:
            slot.timer.cancel()
        if self._slots.get(principal) is slot:
            del self._slots[principal]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- the end

    async def forget(self, principal: str) -> None:
        slot = self._slots.get(principal)
        if slot is None:
            return
        self._drop(principal, slot)
        async with slot.lock:
            link = slot.link
        if link is not None:
            await link.stop()

    async def close(self) -> None:
        self._closed = True
        await asyncio.gather(*(self.forget(principal) for principal in list(self._slots)))
        if self._tasks:
            await asyncio.wait(self._tasks)


class _Attempt:
    """One sending of one call."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self.left = False

    async def run(self, link: Link) -> Reply:
        sending = self._sending
        era = link.era or Era.LEGACY
        identity = link.next_id()
        progress = None
        if sending.on_progress is not None:
            progress = Progress(identity, sending.on_progress, asyncio.get_running_loop().time)
        meta = request_meta(era, identity if progress else None)
        line = jsonrpc.request(identity, "tools/call", call_params(sending.tool, sending.arguments, meta))
        answer = await link.send(identity, line, self._may_send, progress)
        return answer if isinstance(answer, NotSent | Unknown) else reply_of(answer, era)

    def _may_send(self) -> bool:
        self.left = self._sending.may_send()
        return self.left
