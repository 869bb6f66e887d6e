"""An upstream in memory: it records what it executed, and does what a test tells it to."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import (
    NOTHING_DECLARED,
    Answered,
    ClientAnswer,
    Described,
    Failed,
    Health,
    HealthState,
    Notice,
    NotSent,
    Reply,
    Sending,
    ServerRequest,
    Unknown,
)


def tool(name: str) -> dict[str, Any]:
    """A tool definition that takes any arguments."""
    return {"name": name, "description": f"The tool {name}.", "inputSchema": {"type": "object"}}


class FakeUpstream:
    """Implements `ringfence.ports.upstream.Upstream`.

    By default each tool answers its own arguments as text, and each other method `{"echo": its params}`; what is said of tools
    below holds for methods by their names. `executed` is the judge of what really happened.
    """

    def __init__(self, tools: Sequence[Mapping[str, Any]] = (tool("echo"), tool("slow"), tool("boom"))) -> None:
        self.tools: tuple[Mapping[str, Any], ...] = tuple(tools)
        self.described = Described(era="modern", capabilities={"tools": {}})
        """What it says of itself besides its tools."""
        self.asking_tools: tuple[Mapping[str, Any], ...] = ()
        """Tools that it lists besides, to a client that declares anything."""
        self.declared: list[Mapping[str, Any]] = []
        """What was declared to it whenever it was asked what it has."""
        self.listeners: list[tuple[frozenset[str], Callable[[Notice], None]]] = []
        self.executed: list[Sending] = []
        self.cancelled: list[Sending] = []
        self.forgotten: list[str] = []
        self.replies: dict[str, Reply] = {"boom": Failed(-32603, "boom")}
        """What a tool answers instead of an echo."""
        self.progress: dict[str, tuple[Mapping[str, Any], ...]] = {}
        """What a tool reports before it answers."""
        self.logs: dict[str, tuple[Mapping[str, Any], ...]] = {}
        """What a tool logs before it answers, to clients that want to hear it."""
        self.asks: dict[str, tuple[Mapping[str, ServerRequest], ...]] = {}
        """What a tool asks the client before it answers, round by round."""
        self.answers: list[Mapping[str, ClientAnswer]] = []
        """What came back, round by round; a client that cannot be asked answers nothing."""
        self.acts: dict[str, Callable[[Sending], Awaitable[Reply]]] = {}
        """What a tool does instead of all this."""
        self.hanging: set[str] = set()
        """Tools that execute and then wait for `release()`."""
        self.unreachable = ""
        """Why nothing can be sent; empty: all is well."""
        self.gate: asyncio.Event | None = None
        """Calls wait for it before they ask `may_send`."""
        self.waiting = 0
        """Calls that have come to the gate."""
        self.closed = False
        self.stderr: tuple[str, ...] = ()
        """What its health says that it wrote."""
        self._released = asyncio.Event()
        self._changed = asyncio.Event()

    async def describe(self, declared: Mapping[str, Any] = NOTHING_DECLARED) -> Described:
        if self.unreachable or self.closed:
            raise UnavailableError(self.unreachable or "closed")
        self.declared.append(declared)
        tools = (*self.tools, *self.asking_tools) if declared else self.tools
        return replace(self.described, tools=tools, declared=dict(declared))

    async def listen(
        self,
        uris: frozenset[str],
        on_notice: Callable[[Notice], None],
        on_listening: Callable[[], None] | None = None,
    ) -> None:
        """Remembers who listens; `notices` of the test go to everybody."""
        self.listeners.append((uris, on_notice))
        self._changed.set()
        if on_listening is not None:
            on_listening()
        try:
            await asyncio.Event().wait()
        finally:
            self.listeners.remove((uris, on_notice))

    def announce(self, notice: Notice) -> None:
        """Tell whoever listens."""
        for _, on_notice in tuple(self.listeners):
            on_notice(notice)

    async def until_heard(self, uris: frozenset[str] = frozenset()) -> None:
        """Return when somebody listens, for exactly these resources."""
        while uris not in {wanted for wanted, _ in self.listeners}:
            self._changed.clear()
            await self._changed.wait()

    async def call(self, sending: Sending) -> Reply:
        left = False
        try:
            async with asyncio.timeout(sending.deadline_s):
                if self.gate is not None:
                    self.waiting += 1
                    self._changed.set()
                    await self.gate.wait()
                if self.unreachable or self.closed:
                    return NotSent(self.unreachable or "closed")
                if not sending.may_send():
                    return NotSent("withheld")
                left = True
                return await self._execute(sending)
        except TimeoutError:
            return Unknown("no answer within the deadline") if left else NotSent("deadline passed before the send")

    async def _execute(self, sending: Sending) -> Reply:
        self.executed.append(sending)
        self._changed.set()
        name = sending.tool or sending.method
        if name in self.acts:
            return await self.acts[name](sending)
        for report in self.progress.get(name, ()):
            if sending.on_progress is not None:
                sending.on_progress(report)
        for message in self.logs.get(name, ()):
            if sending.on_log is not None:
                sending.on_log(message)
        try:
            for requests in self.asks.get(name, ()):
                self.answers.append(await sending.on_requests(requests) if sending.on_requests is not None else {})
                self._changed.set()
        except asyncio.CancelledError:
            self.cancelled.append(sending)
            self._changed.set()
            raise
        if name in self.hanging:
            try:
                await self._released.wait()
            except asyncio.CancelledError:
                self.cancelled.append(sending)
                self._changed.set()
                raise
        reply = self.replies.get(name)
        if reply is not None:
            return reply
        if not sending.tool:
            return Answered({"echo": parse_strict(sending.arguments)})
        if sending.tool not in {item["name"] for item in self.tools}:
            return Failed(-32602, f"unknown tool: {sending.tool}")
        parse_strict(sending.arguments)
        return Answered({"content": [{"type": "text", "text": sending.arguments.decode()}], "isError": False})

    def release(self) -> None:
        """Let the hanging calls go on, now and later."""
        self._released.set()

    async def until_executed(self, count: int) -> None:
        """Return when so many calls have been executed."""
        while len(self.executed) < count:
            self._changed.clear()
            await self._changed.wait()

    async def until_answered(self, count: int) -> None:
        """Return when so many rounds of questions have been answered."""
        while len(self.answers) < count:
            self._changed.clear()
            await self._changed.wait()

    async def until_waiting(self, count: int = 1) -> None:
        """Return when so many calls have come to the gate."""
        while self.waiting < count:
            self._changed.clear()
            await self._changed.wait()

    async def until_cancelled(self, count: int) -> None:
        """Return when so many calls have been cancelled."""
        while len(self.cancelled) < count:
            self._changed.clear()
            await self._changed.wait()

    def health(self) -> Health:
        if self.unreachable or self.closed:
            return Health(state=HealthState.UNREACHABLE, transport="http", error=self.unreachable or "closed", failing_s=1.0)
        return Health(state=HealthState.UP, transport="http", era=self.described.era, stderr=self.stderr)

    async def forget(self, principal: str) -> None:
        self.forgotten.append(principal)

    async def close(self) -> None:
        self.closed = True
