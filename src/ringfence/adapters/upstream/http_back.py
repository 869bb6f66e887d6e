"""What goes to a legacy server beside requests: answers to what it asks, and cancellations."""

import asyncio
from collections import Counter

from mcp_types import METHOD_NOT_FOUND

from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.http_channel import HttpChannel
from ringfence.adapters.upstream.http_sessions import Session, always
from ringfence.adapters.upstream.progress import Progress
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import Notification, Request
from ringfence.core.canonical import canonical_bytes

MAX_ASKED = 16
"""Requests of the server that are answered during one call."""


class BackChannel:
    """Each message is bounded by `wait_s`, and outlives the call that caused it."""

    def __init__(self, channel: HttpChannel, wait_s: float) -> None:
        self._channel = channel
        self._wait_s = wait_s
        self._tasks: set[asyncio.Task[None]] = set()
        self.oddities: Counter[str] = Counter()
        """What servers sent that they should not have, by kind."""

    async def answer(self, asked: Request, session: Session | None) -> None:
        """Answer `ping` with nothing, everything else with a refusal. In the modern era a server may not ask at all."""
        if session is None:
            self.oddities["request in the modern era"] += 1
        elif asked.method == "ping":
            await self._tell(jsonrpc.result(asked.id, b"{}"), session)
        else:
            self.oddities["request that was not offered"] += 1
            await self._tell(jsonrpc.error(asked.id, METHOD_NOT_FOUND, "not offered"), session)

    def cancel(self, identity: int, session: Session) -> asyncio.Task[None]:
        """Tell the server that a request is given up (MCP 2025-11-25, basic/utilities/cancellation)."""
        params = canonical_bytes({"requestId": identity, "reason": "cancelled by the gateway"})
        task = asyncio.create_task(self._tell(jsonrpc.notification("notifications/cancelled", params), session))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _tell(self, body: bytes, session: Session) -> None:
        deadline = asyncio.get_running_loop().time() + self._wait_s
        await self._channel.post(session.headers, GuardedBody(body, always), identity=None, deadline=deadline)

    async def close(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)


class Attempt:
    """One sending of one call: its id, its guarded bytes, and what its stream brings before the answer."""

    def __init__(
        self, back: BackChannel, identity: int, body: GuardedBody, progress: Progress | None, session: Session | None
    ) -> None:
        self.id = identity
        self.body = body
        self._back = back
        self._progress = progress
        self._session = session
        self._asked = 0

    async def hear(self, message: Request | Notification) -> None:
        """Notifications other than this call's progress are dropped."""
        if isinstance(message, Notification):
            if message.method == "notifications/progress" and self._progress is not None:
                self._progress.offer(message.params)
            return
        self._asked += 1
        if self._asked <= MAX_ASKED:
            await self._back.answer(message, self._session)
