"""Sessions of legacy clients (MCP up to 2025-11-25).

A session correlates the messages of one client, nothing else: it is bound to the run whose credential opened it, and grants
nothing. Its id never goes upstream.
"""

from __future__ import annotations

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Id, Message
from ringfence.adapters.wire.mcp_names import INTERNAL_ERROR
from ringfence.core.model.identifiers import RunId, ServerId
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy


@dataclass(slots=True, eq=False)
class Session:
    """One `initialize` and what followed."""

    id: str
    run: RunId
    used_at: float
    capabilities: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """As the client declared them, less what the gateway does not forward."""
    log_level: str | None = None
    calls: dict[Id, Cancellable] = field(default_factory=dict[Id, "Cancellable"])
    """Calls under way by request id."""
    asked: dict[str, asyncio.Future[Message]] = field(default_factory=dict[str, "asyncio.Future[Message]"])
    """Questions to the client that wait for its answer, by the id that we minted."""
    subscriptions: set[tuple[ServerId, str]] = field(default_factory=set[tuple[ServerId, str]])
    """Resources that the client wants to hear of."""
    stream: Standing | None = None
    """The open stream of change notices: there is at most one."""


class Standing(Protocol):
    """An open stream, as its session sees it."""

    def end(self) -> None:
        """Say goodbye to the client."""
        ...

    def subscribed(self) -> None:
        """The session's subscriptions are other ones now."""
        ...


@dataclass(slots=True, eq=False)
class Cancellable:
    """A call that its client may take back."""

    task: asyncio.Task[Any]
    cancelled: bool = False

    def cancel(self) -> None:
        if not self.cancelled:
            self.cancelled = True
            self.task.cancel()


class Sessions:
    """All of them, the longest idle first."""

    def __init__(self, entropy: Entropy, clock: Clock, *, idle_s: float, total: int, per_run: int) -> None:
        self._entropy = entropy
        self._clock = clock
        self._idle_s = idle_s
        self._total = total
        self._per_run = per_run
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._counts: dict[RunId, int] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, run: RunId, capabilities: Mapping[str, Any] | None = None) -> Session | None:
        """A new session; None where the run, or everybody together, has too many."""
        self._drop_idle()
        if len(self._sessions) >= self._total or self._counts.get(run, 0) >= self._per_run:
            return None
        name = base64.urlsafe_b64encode(self._entropy.token(24)).decode()
        session = Session(name, run, self._clock.monotonic(), capabilities or {})
        self._sessions[name] = session
        self._counts[run] = self._counts.get(run, 0) + 1
        return session

    def find(self, name: str, run: RunId) -> Session | None:
        """The session of that name if this run opened it. A foreign one is no different from one that never was."""
        self._drop_idle()
        session = self._sessions.get(name)
        if session is None or session.run != run:
            return None
        session.used_at = self._clock.monotonic()
        self._sessions.move_to_end(name)
        return session

    def close(self, session: Session) -> None:
        """End a session and take back its calls."""
        if self._sessions.pop(session.id, None) is None:
            return
        left = self._counts[session.run] - 1
        if left:
            self._counts[session.run] = left
        else:
            del self._counts[session.run]
        for call in list(session.calls.values()):
            call.cancel()
        if session.stream is not None:
            session.stream.end()

    def decline_all(self) -> None:
        """Answer every open question in place of its client: the gateway stops, and no answer would reach it any more."""
        for session in self._sessions.values():
            for reply in session.asked.values():
                if not reply.done():
                    reply.set_result(ErrorAnswer(None, INTERNAL_ERROR, "the gateway is stopping"))

    def _drop_idle(self) -> None:
        now = self._clock.monotonic()
        while self._sessions:
            oldest = next(iter(self._sessions.values()))
            if now - oldest.used_at < self._idle_s:
                return
            if oldest.calls or oldest.stream is not None:
                # Its client is still there.
                oldest.used_at = now
                self._sessions.move_to_end(oldest.id)
                continue
            self.close(oldest)
