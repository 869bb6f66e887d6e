"""What a server says while a call is under way, besides the answer."""

import asyncio
from collections import Counter

from ringfence.adapters.upstream.asked import Asked, Back
from ringfence.adapters.upstream.logs import LEVELS, Logs
from ringfence.adapters.upstream.progress import Progress
from ringfence.adapters.wire.jsonrpc import Notification, Request
from ringfence.ports.upstream import Sending


class Hearing:
    """The ears of one call. Whatever it did not ask for is dropped."""

    __slots__ = ("_asked", "_back", "_oddities", "_sending", "logs", "progress")

    def __init__(self, sending: Sending, oddities: Counter[str]) -> None:
        now = asyncio.get_running_loop().time
        self._sending = sending
        self._oddities = oddities
        self._back: Back | None = None
        self._asked: Asked | None = None
        self.progress = Progress(sending.on_progress, now) if sending.on_progress is not None else None
        level, tell = sending.log_level, sending.on_log
        self.logs = Logs(level, tell, now) if level is not None and level in LEVELS and tell is not None else None

    def begin(self, identity: int, back: Back | None) -> None:
        """The call is sent under this id. `back` is None in the modern era, where a server may not ask."""
        self._back = back
        if self.progress is not None:
            self.progress.token = identity

    def hear(self, message: Request | Notification) -> None:
        if isinstance(message, Request):
            self._take(message)
        elif message.method == "notifications/progress":
            if self.progress is not None:
                self.progress.offer(message.params)
        elif message.method == "notifications/message":
            if self.logs is not None:
                self.logs.offer(message.params)
        elif message.method == "notifications/cancelled" and self._asked is not None:
            self._asked.withdraw(message.params.get("requestId"))

    def _take(self, request: Request) -> None:
        if self._back is None:
            self._oddities["request in the modern era"] += 1
            return
        if self._asked is None:
            self._asked = Asked(self._sending, self._back, self._oddities)
        self._asked.take(request)

    @property
    def has_asked(self) -> bool:
        return self._asked is not None

    async def close(self) -> None:
        """The call has ended: nothing more is asked or answered for it."""
        self._back = None
        if self._asked is not None:
            await self._asked.close()
