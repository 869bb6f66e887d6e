"""What one server process writes: told apart, and brought to the request, the call or the listener that it belongs to."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from ringfence.adapters.upstream.asked import NOT_OFFERED
from ringfence.adapters.upstream.hearing import Hearing
from ringfence.adapters.upstream.notices import Notices
from ringfence.adapters.upstream.rate import Rate
from ringfence.adapters.upstream.room import NO_ROOM, MayKeep, weight
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Notification, Request, Result, classify
from ringfence.adapters.wire.mcp import Era
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import RequestError
from ringfence.ports.upstream import Unknown, keep_all

MAX_UNASKED = 1000
"""Messages a second that answer nothing, after which the process is killed."""


@dataclass(slots=True)
class Pending:
    """A request that waits for its answer."""

    future: "asyncio.Future[Result | ErrorAnswer | Unknown]"
    hearing: Hearing | None
    """None: no call."""
    may_keep: MayKeep = keep_all
    """Asked for room before the answer is kept."""
    mark: int = 0
    """Up to where the process's input belongs to this request."""


class Outlet(Protocol):
    """What can be done to the process in return."""

    def soon(self, body: bytes) -> None:
        """Write what the server need not have."""
        ...

    def kill(self, why: str) -> None: ...


class Inbox:
    """Sorts the lines of one process."""

    def __init__(self, outlet: Outlet, oddities: Counter[str], max_junk: int) -> None:
        self._outlet = outlet
        self._oddities = oddities
        self._max_junk = max_junk
        self._junk = 0
        self._unasked = Rate(MAX_UNASKED, asyncio.get_running_loop().time)
        self.era: Era | None = None
        self.pending: dict[int, Pending] = {}
        self.listeners: set[Notices] = set()

    def line(self, line: bytes) -> None:
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
            self._answered(message, line)
            return
        self._count_unasked()
        if isinstance(message, Request):
            self._asked(message)
        else:
            self._told(message)

    def end(self, why: str) -> None:
        """Nothing more comes."""
        for pending in self.pending.values():
            if not pending.future.done():
                pending.future.set_result(Unknown(f"{why} after the call was sent"))

    def _answered(self, message: Result | ErrorAnswer, line: bytes) -> None:
        pending = self.pending.get(message.id) if type(message.id) is int else None
        if pending is None or pending.future.done():
            # A late answer after a cancellation is lawful, so an unknown id is no reason to end the process at once.
            self._oddities["answer to nothing"] += 1
            self._count_unasked()
            return
        pending.future.set_result(message if pending.may_keep(weight(line)) else Unknown(NO_ROOM))

    def _spoil(self, value: object, why: str) -> None:
        """An answer that breaks JSON-RPC ends the call it names: waiting longer would bring nothing better."""
        identity = value.get("id") if isinstance(value, dict) else None
        pending = self.pending.get(identity) if type(identity) is int else None
        if pending is not None and not pending.future.done():
            pending.future.set_result(Unknown(f"the server's answer cannot be read: {why}"))

    def _told(self, message: Notification) -> None:
        if message.method == "notifications/progress":
            token = message.params.get("progressToken")
            pending = self.pending.get(token) if type(token) is int else None
            if pending is not None and pending.hearing is not None:
                pending.hearing.hear(message)
        elif message.method == "notifications/cancelled":
            # It names a request of the server; only the call that has taken that one finds it.
            for hearing in self._under_way():
                hearing.hear(message)
        elif message.method == "notifications/message":
            if (hearing := self._only_call()) is not None:
                hearing.hear(message)
        else:
            for notices in self.listeners:
                notices.hear(message)

    def _asked(self, message: Request) -> None:
        hearing = self._only_call()
        if self.era is Era.MODERN:
            self._oddities["request in the modern era"] += 1
        elif hearing is not None:
            hearing.hear(message)
        elif message.method == "ping":
            self._outlet.soon(jsonrpc.result(message.id, b"{}"))
        else:
            self._oddities["request outside any call"] += 1
            self._outlet.soon(jsonrpc.error(message.id, NOT_OFFERED.code, NOT_OFFERED.message))

    def _under_way(self) -> list[Hearing]:
        return [item.hearing for item in self.pending.values() if item.hearing is not None and not item.future.done()]

    def _only_call(self) -> Hearing | None:
        """What a server says on its pipe names no call: it can only belong to the one that is under way alone."""
        hearings = self._under_way()
        return hearings[0] if len(hearings) == 1 else None

    def _count_junk(self, kind: str) -> None:
        self._oddities[kind] += 1
        self._junk += 1
        if self._junk > self._max_junk:
            self._outlet.kill("the server process writes what is not MCP")

    def _count_unasked(self) -> None:
        if not self._unasked.allows():
            self._outlet.kill("the server process floods the gateway")
