"""Legacy sessions: one for each principal, opened by us, never shown to anybody."""

import asyncio
import re
from dataclasses import dataclass, field

from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER

from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.http_channel import HttpChannel, Received
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer
from ringfence.adapters.wire.mcp import JSON_TYPE, LEGACY_VERSIONS, SESSION_HEADER, SSE_TYPE, initialize_params
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import NotSent, Unknown

BASE_HEADERS = {"content-type": JSON_TYPE, "accept": f"{JSON_TYPE}, {SSE_TYPE}", "accept-encoding": "identity"}
ENDED_TOGETHER = 16
_SESSION_ID = re.compile(r"[\x21-\x7e]{1,512}")


def always() -> bool:
    """For messages that are no calls: a handshake, a cancellation, an answer."""
    return True


@dataclass(frozen=True, slots=True)
class Session:
    id: str | None
    """None: the server keeps no sessions."""
    headers: dict[str, str] = field(repr=False)


@dataclass(slots=True)
class _Slot:
    lock: asyncio.Lock
    session: Session | None = None


class Sessions:
    """Source: MCP 2025-11-25, basic/lifecycle and basic/transports."""

    def __init__(self, channel: HttpChannel, options: HttpOptions) -> None:
        self._channel = channel
        self._options = options
        self._slots: dict[str, _Slot] = {}

    async def get(self, principal: str, deadline: float) -> Session:
        """The principal's session, opened where there is none. Raises UnavailableError."""
        slot = self._slots.get(principal)
        if slot is None:
            if self.is_full:
                raise UnavailableError("too many sessions are open at the server")
            slot = self._slots[principal] = _Slot(asyncio.Lock())
        if slot.session is not None:
            return slot.session
        try:
            async with asyncio.timeout_at(deadline), slot.lock:
                if slot.session is None:
                    slot.session = await self._open(deadline)
                return slot.session
        except TimeoutError as error:
            raise UnavailableError("no session was opened before the deadline") from error

    @property
    def is_full(self) -> bool:
        return len(self._slots) >= self._options.max_sessions

    def drop(self, principal: str, session: Session) -> None:
        """The server no longer knows this session: the next call opens another."""
        slot = self._slots.get(principal)
        if slot is not None and slot.session is session:
            slot.session = None

    async def end(self, principal: str) -> None:
        slot = self._slots.pop(principal, None)
        if slot is None:
            return
        async with slot.lock:
            session, slot.session = slot.session, None
        if session is not None and session.id is not None:
            await self._channel.delete(session.headers)

    async def end_all(self) -> None:
        while self._slots:
            some = list(self._slots)[:ENDED_TOGETHER]
            await asyncio.gather(*(self.end(principal) for principal in some))

    async def _open(self, deadline: float) -> Session:
        identity = self._channel.next_id()
        body = GuardedBody(jsonrpc.request(identity, "initialize", initialize_params()), always)
        received = await self._channel.post(BASE_HEADERS, body, identity=identity, deadline=deadline)
        if isinstance(received, NotSent | Unknown):
            raise UnavailableError(f"the server cannot be initialised: {received.why}")
        session = _session_of(received)
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
    return Session(received.session, headers)
