"""What goes to a legacy server beside requests: answers to what it asks, and cancellations."""

import asyncio
from collections import Counter
from collections.abc import Callable

from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.http.channel import HttpChannel
from ringfence.adapters.upstream.http.sessions import Session, always
from ringfence.adapters.wire import jsonrpc
from ringfence.core.strict_json.canonical import canonical_bytes

MAX_WAITING = 1000
"""Messages on their way at the same time; more are dropped."""


class BackChannel:
    """Each message is bounded in time, and may outlive the call that caused it."""

    def __init__(self, channel: HttpChannel) -> None:
        self._channel = channel
        self._tasks: set[asyncio.Task[None]] = set()
        self.oddities: Counter[str] = Counter()
        """What servers sent that they should not have, by kind."""

    def to(self, session: Session) -> "SessionBack":
        back = session.back = SessionBack(self, session)
        return back

    def soon(self, body: bytes, session: Session) -> "asyncio.Task[None] | None":
        """Send one message without waiting for it."""
        if len(self._tasks) >= MAX_WAITING:
            self.oddities["message that could not be sent"] += 1
            return None
        task = asyncio.create_task(self.tell(body, session, self._channel.options.cancel_s, always))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self, identity: int, session: Session) -> "asyncio.Task[None] | None":
        """Tell the server that a request is given up (MCP 2025-11-25, basic/utilities/cancellation)."""
        params = canonical_bytes({"requestId": identity, "reason": "cancelled by the gateway"})
        return self.soon(jsonrpc.notification("notifications/cancelled", params), session)

    async def tell(self, body: bytes, session: Session, wait_s: float, may_send: Callable[[], bool]) -> None:
        deadline = asyncio.get_running_loop().time() + wait_s
        await self._channel.post(session.headers, GuardedBody(body, may_send), identity=None, deadline=deadline)

    @property
    def answer_s(self) -> float:
        return self._channel.options.answer_s

    async def close(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)


class SessionBack:
    """The way back of one call. Implements `ringfence.adapters.upstream.asked.Back`."""

    __slots__ = ("_back", "_session")

    def __init__(self, back: BackChannel, session: Session) -> None:
        self._back = back
        self._session = session

    def soon(self, body: bytes) -> None:
        self._back.soon(body, self._session)

    async def answer(self, body: bytes, may_send: Callable[[], bool]) -> None:
        await self._back.tell(body, self._session, self._back.answer_s, may_send)
