"""Legacy sessions: one for each principal and its capabilities, opened by us, never shown to anybody."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ringfence.adapters.upstream.asked import Back
from ringfence.adapters.upstream.describing import Declared, declared_in
from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.hearing import Hearing
from ringfence.adapters.upstream.http.channel import HttpChannel, Received
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer
from ringfence.adapters.wire.mcp import (
    JSON_TYPE,
    LEGACY_VERSIONS,
    NO_CAPABILITIES,
    SESSION_HEADER,
    SSE_TYPE,
    initialize_params,
)
from ringfence.adapters.wire.mcp_names import MCP_PROTOCOL_VERSION_HEADER
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import NotSent, Unknown

BASE_HEADERS = {"content-type": JSON_TYPE, "accept": f"{JSON_TYPE}, {SSE_TYPE}", "accept-encoding": "identity"}
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
ENDED_TOGETHER = 16
_SESSION_ID = re.compile(r"[\x21-\x7e]{1,512}")


def always() -> bool:
    """For messages that are no calls: a handshake, a cancellation, an answer."""
    return True


@dataclass(slots=True, eq=False)
class Session:
    """One `initialize` that was answered."""

    id: str | None
    """None: the server keeps no sessions."""
    headers: dict[str, str] = field(repr=False)
    declared: Declared
    """By the server."""
    log_level: int | None = None
    """The least severe level that was set, as an index; None: none yet."""
    subscribed: set[str] = field(default_factory=set[str])
    """Resources, of the session that listens."""
    back: Back | None = None
    """The way back to the server, once it is needed."""
    hearings: set[Hearing] = field(default_factory=set[Hearing])
    """The calls under way."""
    aside: "asyncio.Task[None] | None" = None
    """Hears what the server says outside the streams of the calls."""
    aside_opened: asyncio.Event = field(default_factory=asyncio.Event)
    has_aside: bool = True
    """False: the server offers no such stream."""

    def leave(self) -> None:
        if self.aside is not None:
            self.aside.cancel()


@dataclass(slots=True)
class _Slot:
    lock: asyncio.Lock
    session: Session | None = None


class Sessions:
    """One for each principal and what is declared for it, since `initialize` fixes that for good.

    Source: MCP 2025-11-25, basic/lifecycle and basic/transports.
    """

    def __init__(self, channel: HttpChannel, options: HttpOptions) -> None:
        self._channel = channel
        self._options = options
        self._slots: dict[str, dict[bytes, _Slot]] = {}
        self._count = 0

    async def get(
        self,
        principal: str,
        deadline: float,
        capabilities: bytes = NO_CAPABILITIES,
        own: Mapping[str, str] = NO_HEADERS,
    ) -> Session:
        """The session of a principal for which this JSON object is declared, opened where there is none. `own` are headers of
        the principal's, which all its requests have from now on.

        Raises UnavailableError.
        """
        slots = self._slots.get(principal)
        slot = slots.get(capabilities) if slots is not None else None
        if slot is None:
            if self.is_full:
                raise UnavailableError("too many sessions are open at the server")
            slot = self._slots.setdefault(principal, {})[capabilities] = _Slot(asyncio.Lock())
            self._count += 1
        if slot.session is not None:
            slot.session.headers.update(own)
            return slot.session
        try:
            async with asyncio.timeout_at(deadline), slot.lock:
                if slot.session is None:
                    slot.session = await self._open(deadline, capabilities, own)
                slot.session.headers.update(own)
                return slot.session
        except TimeoutError as error:
            raise UnavailableError("no session was opened before the deadline") from error

    @property
    def running(self) -> int:
        return self._count

    @property
    def is_full(self) -> bool:
        return self._count >= self._options.max_sessions

    def drop(self, principal: str, session: Session) -> None:
        """The server no longer knows this session: the next call opens another."""
        for slot in self._slots.get(principal, {}).values():
            if slot.session is session:
                slot.session = None
                session.leave()

    def is_lost(self, principal: str, session: Session | None, received: Received | NotSent | Unknown) -> bool:
        """Whether a request was refused because its session is unknown (404, MCP 2025-11-25, basic/transports).

        Some servers say 400 instead: that is no proof, so nothing goes again, but the next call opens another session.
        """
        if session is None or session.id is None or not isinstance(received, Received):
            return False
        if received.status in (400, 404):
            self.drop(principal, session)
        return received.status == 404

    async def end(self, principal: str) -> None:
        slots = self._slots.pop(principal, {})
        self._count -= len(slots)
        await asyncio.gather(*(self._end(slot) for slot in slots.values()))

    async def _end(self, slot: _Slot) -> None:
        async with slot.lock:
            session, slot.session = slot.session, None
        if session is not None:
            session.leave()
            if session.id is not None:
                await self._channel.delete(session.headers)

    async def end_all(self) -> None:
        while self._slots:
            some = list(self._slots)[:ENDED_TOGETHER]
            await asyncio.gather(*(self.end(principal) for principal in some))

    async def _open(self, deadline: float, capabilities: bytes, own: Mapping[str, str]) -> Session:
        identity = self._channel.next_id()
        body = GuardedBody(jsonrpc.request(identity, "initialize", initialize_params(capabilities)), always)
        received = await self._channel.post({**BASE_HEADERS, **own}, body, identity=identity, deadline=deadline)
        if isinstance(received, NotSent | Unknown):
            raise UnavailableError(f"the server cannot be initialised: {received.why}")
        session = _session_of(received)
        session.headers.update(own)
        notice = GuardedBody(jsonrpc.notification("notifications/initialized"), always)
        accepted = await self._channel.post(session.headers, notice, identity=None, deadline=deadline)
        if not isinstance(accepted, Received) or accepted.status >= 400:
            raise UnavailableError("the server does not accept that it is initialised")
        return session


def _session_of(received: Received) -> Session:
    message = received.message
    if received.status in (401, 403):
        raise UnavailableError("the server does not accept the gateway's credential")
    if message is None or isinstance(message, ErrorAnswer):
        raise UnavailableError(f"the server refuses to be initialised (HTTP status {received.status})")
    version = message.result.get("protocolVersion")
    if not isinstance(version, str) or version not in LEGACY_VERSIONS:
        raise UnavailableError("the server speaks a protocol version that is not known")
    headers = {**BASE_HEADERS, MCP_PROTOCOL_VERSION_HEADER: version}
    if received.session is not None:
        if _SESSION_ID.fullmatch(received.session) is None:
            raise UnavailableError("the server gave a session id that is not visible ASCII")
        headers[SESSION_HEADER] = received.session
    return Session(received.session, headers, declared_in(message.result))
