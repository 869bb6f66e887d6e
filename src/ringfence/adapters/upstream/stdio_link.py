"""JSON-RPC over one server process: ids, the handshake, requests and their cancellation."""

import asyncio
from collections import Counter
from collections.abc import Callable

from ringfence.adapters.upstream.describing import Declared, declared_in
from ringfence.adapters.upstream.hearing import Hearing
from ringfence.adapters.upstream.notices import Notices
from ringfence.adapters.upstream.options import StdioOptions
from ringfence.adapters.upstream.process import Process
from ringfence.adapters.upstream.room import MayKeep
from ringfence.adapters.upstream.stdio_inbox import Inbox, Pending
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Result
from ringfence.adapters.wire.mcp import LEGACY_VERSIONS, Era, era_from, initialize_params, modern_meta
from ringfence.adapters.wire.mcp_names import UNSUPPORTED_PROTOCOL_VERSION
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import NotSent, Unknown, keep_all


class Link:
    """One process and the requests in flight on it."""

    def __init__(
        self,
        options: StdioOptions,
        oddities: Counter[str],
        capabilities: bytes,
        *,
        on_idle: Callable[[], None],
        on_end: Callable[["Link"], None],
    ) -> None:
        """`capabilities` are declared in a legacy handshake: a JSON object."""
        self._options = options
        self._oddities = oddities
        self._capabilities = capabilities
        self._on_idle = on_idle
        self._on_end = on_end
        self._inbox = Inbox(self, oddities, options.max_junk)
        self._stopping = False
        self._process: Process | None = None
        self._ids = 0
        self.declared = Declared({}, "")
        """By a legacy server."""
        self.log_level: int | None = None
        """The least severe level that was set, as an index; None: none yet."""
        self.subscribed: set[str] = set()
        self.ended = ""
        """Why no call can be sent any more; empty while the process lives."""
        self.end = asyncio.Event()
        self.is_open = False
        """The handshake is over."""
        self.has_answered = False
        """Anything since then."""
        self.is_our_doing = False
        """The process was ended by the gateway, through no fault of its own."""

    @property
    def era(self) -> Era | None:
        return self._inbox.era

    @property
    def is_idle(self) -> bool:
        return not self._inbox.pending and not self._inbox.listeners

    async def _failed(self, why: str) -> UnavailableError:
        """With the end of the server's stderr, escaped, for an operator's terminal only."""
        if self._process is not None and self.ended:
            await self._process.gone()
        text = " | ".join(self.stderr)
        return UnavailableError(why, remedy=f"it wrote: {text[-300:]!a}" if text else "")

    @property
    def stderr(self) -> tuple[str, ...]:
        """The last lines: untrusted text, for operators only."""
        return self._process.stderr if self._process is not None else ()

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    # --- opening

    async def open(self, era: Era | None) -> None:
        """Start the process and agree on an era. Raises UnavailableError; the process may be left to `stop`.

        `server/discover` first where the era is not known; any error and any silence mean the older handshake.
        """
        self._process = await Process.spawn(self._options, self._inbox.line, self._end)
        self._inbox.era = era or await self._probe()
        if self.era is Era.LEGACY and not self.ended:
            await self._initialize(is_certain=era is not None)
        if self.ended:
            raise await self._failed(f"the server process does not stay: {self.ended}")
        self.is_open = True

    async def _probe(self) -> Era:
        answer = await self.ask("server/discover", canonical_bytes({"_meta": modern_meta()}), self._options.probe_s)
        return Era.LEGACY if isinstance(answer, NotSent | Unknown) else era_from(answer)

    async def _initialize(self, *, is_certain: bool) -> None:
        answer = await self.ask("initialize", initialize_params(self._capabilities), self._options.start_s)
        if isinstance(answer, NotSent | Unknown):
            raise await self._failed(f"the server cannot be initialised: {answer.why}")
        if isinstance(answer, ErrorAnswer):
            if answer.code == UNSUPPORTED_PROTOCOL_VERSION and not is_certain:
                # It had understood the probe after all, only too late.
                self._inbox.era = Era.MODERN
                return
            raise UnavailableError("the server refuses to be initialised")
        version = answer.result.get("protocolVersion")
        if not isinstance(version, str) or version not in LEGACY_VERSIONS:
            raise UnavailableError("the server speaks a protocol version that is not known")
        self.declared = declared_in(answer.result)
        if self._process is not None and self._process.can_write:
            self._process.write(jsonrpc.notification("notifications/initialized"))

    # --- asking

    async def ask(
        self, method: str, params: bytes, wait_s: float, may_keep: MayKeep = keep_all
    ) -> Result | ErrorAnswer | NotSent | Unknown:
        """One request that is no call."""
        identity = self.next_id()
        try:
            async with asyncio.timeout(wait_s):
                return await self._exchange(identity, jsonrpc.request(identity, method, params), None, may_keep)
        except TimeoutError:
            return Unknown("the server is silent")

    async def send(
        self, identity: int, line: bytes, may_send: Callable[[], bool], hearing: Hearing, may_keep: MayKeep = keep_all
    ) -> Result | ErrorAnswer | NotSent | Unknown:
        """Write the request of a call and wait for its answer.

        `may_send` is asked right before the whole line goes to the pipe in one synchronous step. On cancellation the server
        is told; where a part of the line has not left yet, the process is killed, since nothing else could hold it back.
        """
        process = self._process
        if process is None or (not process.is_writable and not await self._can_write_again(process)):
            return NotSent(self.ended or "the server process takes no more input")
        if not may_send():
            return NotSent("withheld at the last look")
        return await self._exchange(identity, line, hearing, may_keep)

    async def subscribe(self, params: bytes) -> Result | ErrorAnswer | NotSent | Unknown:
        """A modern `subscriptions/listen`: answered when the server ends it. On cancellation the server is told."""
        identity = self.next_id()
        line = jsonrpc.request(identity, "subscriptions/listen", params)
        return await self._exchange(identity, line, None, is_told=True)

    async def _exchange(
        self, identity: int, line: bytes, hearing: Hearing | None, may_keep: MayKeep = keep_all, *, is_told: bool = False
    ) -> Result | ErrorAnswer | NotSent | Unknown:
        """Awaits nothing before the write. A handshake is not to be cancelled (MCP 2025-11-25, cancellation)."""
        process = self._process
        if process is None or not process.can_write:
            return NotSent(self.ended or "the server process takes no more input")
        pending = Pending(asyncio.get_running_loop().create_future(), hearing, may_keep)
        self._inbox.pending[identity] = pending
        pending.mark = process.write(line)
        try:
            answer = await pending.future
            self.has_answered = self.has_answered or (self.is_open and isinstance(answer, Result | ErrorAnswer))
            return answer
        except asyncio.CancelledError:
            if hearing is not None or is_told:
                self._cancel(process, identity, pending.mark)
            raise
        finally:
            self._inbox.pending.pop(identity, None)
            self._rest()

    async def _can_write_again(self, process: Process) -> bool:
        """Whether a line can go at once, when everything before it has left."""
        while not process.is_writable and not self.ended:
            await process.writable()
        return not self.ended and process.can_write

    def _cancel(self, process: Process, identity: int, mark: int) -> None:
        if not process.has_left(mark):
            self.is_our_doing = True
            process.kill("a call was cancelled while its bytes were leaving")
        elif process.can_write:
            params = canonical_bytes({"requestId": identity, "reason": "cancelled by the gateway"})
            process.write(jsonrpc.notification("notifications/cancelled", params))

    # --- answering and listening

    def soon(self, body: bytes) -> None:
        """Write what the server need not have: dropped where it does not read."""
        process = self._process
        if process is not None and process.can_write and process.is_writable:
            process.write(body)
        else:
            self._oddities["message that could not be sent"] += 1

    async def answer(self, identity: int, body: bytes, may_send: Callable[[], bool]) -> None:
        """Write the client's answer to what was asked during the call of this id."""
        process, pending = self._process, self._inbox.pending.get(identity)
        if process is not None and pending is not None and await self._can_write_again(process) and may_send():
            pending.mark = process.write(body)

    def add_listener(self, notices: Notices) -> None:
        self._inbox.listeners.add(notices)

    def remove_listener(self, notices: Notices) -> None:
        self._inbox.listeners.discard(notices)
        self._rest()

    def _rest(self) -> None:
        if self.is_idle:
            self._on_idle()

    # --- the end

    def _end(self, why: str) -> None:
        self.ended = why
        self.end.set()
        self._inbox.end(why)
        self._on_end(self)

    def kill(self, why: str) -> None:
        if self._process is not None:
            self._process.kill(why)

    async def stop(self) -> None:
        self.is_our_doing = self.is_our_doing or not self.ended
        self.ended = self.ended or "the server process was stopped"
        if self._process is not None and not self._stopping:
            self._stopping = True
            await self._process.stop()


class CallBack:
    """The way back of one call. Implements `ringfence.adapters.upstream.asked.Back`."""

    __slots__ = ("_identity", "_link")

    def __init__(self, link: Link, identity: int) -> None:
        self._link = link
        self._identity = identity

    def soon(self, body: bytes) -> None:
        self._link.soon(body)

    async def answer(self, body: bytes, may_send: Callable[[], bool]) -> None:
        await self._link.answer(self._identity, body, may_send)
