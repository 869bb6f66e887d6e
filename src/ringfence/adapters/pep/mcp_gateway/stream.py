"""One HTTP response: plain JSON where the answer is there soon, an event stream where it is not.

The call runs in the request's own task. Beside it, and only if it takes long enough, run a watcher that notices when the client
leaves and a pump that writes progress and keep-alive comments. Source: MCP transports (SSE answers); WHATWG HTML 9.2.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from ringfence.adapters.pep.mcp_gateway.asgi import Receive, Send
from ringfence.adapters.pep.mcp_gateway.render import Rendered
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits

_WAITING_EVENTS = 64
_JSON_HEADERS: Final = ((b"content-type", b"application/json"),)
STREAM_HEADERS: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)
COMMENT: Final = b": keep-alive\n\n"


def event(message: bytes) -> bytes:
    """One JSON-RPC message as one event. Canonical JSON holds no line break."""
    return b"event: message\ndata: %b\n\n" % message


async def send_json(send: Send, rendered: Rendered) -> None:
    """A whole response at once."""
    headers = [*_JSON_HEADERS, (b"content-length", b"%d" % len(rendered.body)), *rendered.headers]
    if rendered.close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": rendered.status, "headers": headers})
    await send({"type": "http.response.body", "body": rendered.body})


@dataclass(slots=True, eq=False)
class _Waiting:
    """An event that the client has not read yet."""

    event: bytes
    keep: bool


class Answer:
    """The response to one call. Made inside the task that runs the call."""

    def __init__(self, receive: Receive, send: Send, limits: GatewayLimits, *, cancel_when_gone: bool) -> None:
        task = asyncio.current_task()
        assert task is not None  # INVARIANT: an ASGI application runs inside a task
        loop = asyncio.get_running_loop()
        self.left = asyncio.Event()
        """Set when the client has left."""
        self._task = task
        self._receive = receive
        self._send = send
        self._keep_alive_s = limits.keep_alive_s
        self._cancel_when_gone = cancel_when_gone
        self._begun = False
        self._events: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._pump: asyncio.Task[None] | None = None
        self._stream_at = loop.time() + limits.stream_after_s
        self._timer = loop.call_later(min(limits.watch_after_s, limits.stream_after_s), self._take_long)

    @property
    def gone(self) -> bool:
        """Whether the client has left."""
        return self.left.is_set()

    def watch(self) -> None:
        """Begin to look out for a client that leaves."""
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch())

    def stream(self) -> None:
        """Begin the event stream now."""
        if self._pump is None:
            self._pump = asyncio.create_task(self._pump_events())

    def post(self, message: bytes, *, keep: bool = False) -> None:
        """Put one message on the stream, before the answer.

        Where the client reads slowly, the oldest are dropped, save those to be kept: whoever posts these bounds their number.
        """
        if len(self._events) >= _WAITING_EVENTS:
            oldest = next((waiting for waiting in self._events if not waiting.keep), None)
            if oldest is not None:
                self._events.remove(oldest)
        self._events.append(_Waiting(event(message), keep))
        self._wake.set()
        self.stream()

    def _take_long(self) -> None:
        # One timer at first: most answers are there before it fires.
        self.watch()
        self._timer = asyncio.get_running_loop().call_at(self._stream_at, self.stream)

    @contextmanager
    def abandonable(self) -> Generator[None]:
        """Inside, a client that leaves cancels the task in every era."""
        before, self._cancel_when_gone = self._cancel_when_gone, True
        self.watch()
        if self.gone:
            self._task.cancel()
        try:
            yield
        finally:
            self._cancel_when_gone = before

    async def finish(self, rendered: Rendered) -> None:
        """Answer, and end the response."""
        await self.close()
        if not self._begun and not self._events:
            await send_json(self._send, rendered)
            return
        await self._begin()
        rest = b"".join((*(waiting.event for waiting in self._events), event(rendered.body)))
        await self._send({"type": "http.response.body", "body": rest})

    async def close(self) -> None:
        """Stop the helpers. Nothing is written after this."""
        self._timer.cancel()
        for helper in (self._watcher, self._pump):
            if helper is not None and not helper.done():
                helper.cancel()
                with suppress(asyncio.CancelledError):
                    await helper

    async def _watch(self) -> None:
        while True:
            message: Any = await self._receive()
            if message["type"] == "http.disconnect":
                break
        self.left.set()
        if self._cancel_when_gone:
            self._task.cancel()

    async def _begin(self) -> None:
        if not self._begun:
            await self._send({"type": "http.response.start", "status": 200, "headers": list(STREAM_HEADERS)})
            self._begun = True

    async def _pump_events(self) -> None:
        await self._begin()
        while True:
            while self._events:
                # Cancelled while it waits for a slow reader, it has written nothing: the event is still there then.
                first = self._events[0]
                await self._send({"type": "http.response.body", "body": first.event, "more_body": True})
                if self._events and self._events[0] is first:
                    self._events.popleft()
            self._wake.clear()
            try:
                async with asyncio.timeout(self._keep_alive_s):
                    await self._wake.wait()
            except TimeoutError:
                await self._send({"type": "http.response.body", "body": COMMENT, "more_body": True})
