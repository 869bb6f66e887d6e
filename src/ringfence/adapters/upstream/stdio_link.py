"""JSON-RPC over one server process: ids, the handshake, calls, and what the server may not do."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from mcp_types import METHOD_NOT_FOUND, UNSUPPORTED_PROTOCOL_VERSION

from ringfence.adapters.upstream.options import StdioOptions
from ringfence.adapters.upstream.process import Process
from ringfence.adapters.upstream.progress import Progress
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Notification, Request, Result, classify
from ringfence.adapters.wire.mcp import LEGACY_VERSIONS, Era, era_from, initialize_params, modern_meta
from ringfence.core.canonical import canonical_bytes, parse_strict
from ringfence.errors import RequestError, UnavailableError
from ringfence.ports.upstream import NotSent, Unknown

MAX_UNASKED = 1000
"""Messages a second that answer nothing, after which the process is killed."""


@dataclass(slots=True)
class _Pending:
    future: "asyncio.Future[Result | ErrorAnswer | Unknown]"
    progress: Progress | None


class Link:
    """One process and the requests in flight on it."""

    def __init__(
        self,
        options: StdioOptions,
        oddities: Counter[str],
        *,
        on_idle: Callable[["Link"], None],
        on_end: Callable[["Link"], None],
    ) -> None:
        self._options = options
        self._oddities = oddities
        self._on_idle = on_idle
        self._on_end = on_end
        self._stopping = False
        self._pending: dict[int, _Pending] = {}
        self._process: Process | None = None
        self._ids = 0
        self._junk = 0
        self._window = 0.0
        self._unasked = 0
        self._now = asyncio.get_running_loop().time
        self.era: Era | None = None
        self.ended = ""
        """Why no call can be sent any more; empty while the process lives."""

    @property
    def is_idle(self) -> bool:
        return not self._pending

    async def _failed(self, why: str) -> UnavailableError:
        """With the end of the server's stderr, escaped, for an operator's terminal only."""
        text = ""
        if self._process is not None:
            if self.ended:
                await self._process.gone()
            text = self._process.stderr.strip()
        return UnavailableError(why, remedy=f"it wrote: {text[-300:]!a}" if text else "")

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    # --- opening

    async def open(self, era: Era | None) -> None:
        """Start the process and agree on an era. Raises UnavailableError; the process may be left to `stop`.

        `server/discover` first where the era is not known; any error and any silence mean the older handshake.
        """
        self._process = await Process.spawn(self._options, self._line, self._end)
        self.era = era or await self._probe()
        if self.era is Era.LEGACY and not self.ended:
            await self._initialize(is_certain=era is not None)
        if self.ended:
            raise await self._failed(f"the server process does not stay: {self.ended}")

    async def _probe(self) -> Era:
        answer = await self.ask("server/discover", canonical_bytes({"_meta": modern_meta()}), self._options.probe_s)
        return Era.LEGACY if isinstance(answer, NotSent | Unknown) else era_from(answer)

    async def _initialize(self, *, is_certain: bool) -> None:
        answer = await self.ask("initialize", initialize_params(), self._options.start_s)
        if isinstance(answer, NotSent | Unknown):
            raise await self._failed(f"the server cannot be initialised: {answer.why}")
        if isinstance(answer, ErrorAnswer):
            if answer.code == UNSUPPORTED_PROTOCOL_VERSION and not is_certain:
                # It had understood the probe after all, only too late.
                self.era = Era.MODERN
                return
            raise UnavailableError("the server refuses to be initialised")
        version = answer.result.get("protocolVersion")
        if not isinstance(version, str) or version not in LEGACY_VERSIONS:
            raise UnavailableError("the server speaks a protocol version that is not known")
        if self._process is not None and self._process.can_write:
            self._process.write(jsonrpc.notification("notifications/initialized"))

    # --- asking

    async def ask(self, method: str, params: bytes, wait_s: float) -> Result | ErrorAnswer | NotSent | Unknown:
        """One request that is no call."""
        identity = self.next_id()
        try:
            async with asyncio.timeout(wait_s):
                return await self._exchange(identity, jsonrpc.request(identity, method, params), None, is_call=False)
        except TimeoutError:
            return Unknown("the server is silent")

    async def send(
        self, identity: int, line: bytes, may_send: Callable[[], bool], progress: Progress | None
    ) -> Result | ErrorAnswer | NotSent | Unknown:
        """Write one request and wait for its answer.

        `may_send` is asked right before the whole line goes to the pipe in one synchronous step. On cancellation the server
        is told; where a part of the line has not left yet, the process is killed, since nothing else could hold it back.
        """
        process = self._process
        if process is None or self.ended:
            return NotSent(self.ended or "the server process is not started")
        while not process.is_writable:
            await process.writable()
        if not process.can_write:
            return NotSent(self.ended or "the server process takes no more input")
        if not may_send():
            return NotSent("withheld at the last look")
        return await self._exchange(identity, line, progress, is_call=True)

    async def _exchange(
        self, identity: int, line: bytes, progress: Progress | None, *, is_call: bool
    ) -> Result | ErrorAnswer | NotSent | Unknown:
        """Awaits nothing before the write. A handshake is not to be cancelled (MCP 2025-11-25, cancellation)."""
        process = self._process
        if process is None or not process.can_write:
            return NotSent(self.ended or "the server process takes no more input")
        pending = _Pending(asyncio.get_running_loop().create_future(), progress)
        self._pending[identity] = pending
        mark = process.write(line)
        try:
            return await pending.future
        except asyncio.CancelledError:
            if is_call:
                self._cancel(process, identity, mark)
            raise
        finally:
            self._pending.pop(identity, None)
            if not self._pending:
                self._on_idle(self)

    def _cancel(self, process: Process, identity: int, mark: int) -> None:
        if not process.has_left(mark):
            process.kill("a call was cancelled while its bytes were leaving")
        elif process.can_write:
            params = canonical_bytes({"requestId": identity, "reason": "cancelled by the gateway"})
            process.write(jsonrpc.notification("notifications/cancelled", params))

    # --- hearing

    def _line(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            value = parse_strict(line)
        except RequestError:
            self._count_junk("line that is not strict JSON")
            return
        try:
            message = classify(value)
        except RequestError as error:
            self._spoil(value, str(error))
            self._count_junk("line that is not JSON-RPC")
            return
        if isinstance(message, Result | ErrorAnswer):
            self._answered(message)
        else:
            self._count_unasked()
            if isinstance(message, Request):
                self._asked(message)
            elif message.method == "notifications/progress":
                self._progressed(message)

    def _answered(self, message: Result | ErrorAnswer) -> None:
        pending = self._pending.get(message.id) if type(message.id) is int else None
        if pending is None or pending.future.done():
            # A late answer after a cancellation is lawful, so an unknown id is no reason to end the process at once.
            self._oddities["answer to nothing"] += 1
            self._count_unasked()
            return
        pending.future.set_result(message)

    def _spoil(self, value: object, why: str) -> None:
        """An answer that breaks JSON-RPC ends the call it names: waiting longer would bring nothing better."""
        identity = value.get("id") if isinstance(value, dict) else None
        pending = self._pending.get(identity) if type(identity) is int else None
        if pending is not None and not pending.future.done():
            pending.future.set_result(Unknown(f"the server's answer cannot be read: {why}"))

    def _progressed(self, message: Notification) -> None:
        token = message.params.get("progressToken")
        pending = self._pending.get(token) if type(token) is int else None
        if pending is not None and pending.progress is not None:
            pending.progress.offer(message.params)

    def _asked(self, message: Request) -> None:
        process = self._process
        if self.era is Era.MODERN or process is None or not process.can_write or not process.is_writable:
            self._oddities["request in the modern era"] += 1
        elif message.method == "ping":
            process.write(jsonrpc.result(message.id, b"{}"))
        else:
            self._oddities["request that was not offered"] += 1
            process.write(jsonrpc.error(message.id, METHOD_NOT_FOUND, "not offered"))

    def _count_junk(self, kind: str) -> None:
        self._oddities[kind] += 1
        self._junk += 1
        if self._junk > self._options.max_junk and self._process is not None:
            self._process.kill("the server process writes what is not MCP")

    def _count_unasked(self) -> None:
        now = self._now()
        if now - self._window >= 1.0:
            self._window, self._unasked = now, 0
        self._unasked += 1
        if self._unasked > MAX_UNASKED and self._process is not None:
            self._process.kill("the server process floods the gateway")

    # --- the end

    def _end(self, why: str) -> None:
        self.ended = why
        for pending in self._pending.values():
            if not pending.future.done():
                pending.future.set_result(Unknown(f"{why} after the call was sent"))
        self._on_end(self)

    def kill(self, why: str) -> None:
        if self._process is not None:
            self._process.kill(why)

    async def stop(self) -> None:
        self.ended = self.ended or "the server process was stopped"
        if self._process is not None and not self._stopping:
            self._stopping = True
            await self._process.stop()
