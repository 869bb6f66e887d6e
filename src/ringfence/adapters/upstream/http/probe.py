"""Which era a server over HTTP belongs to."""

import asyncio
from collections.abc import Mapping

from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.http.channel import HttpChannel, Received
from ringfence.adapters.upstream.http.sessions import BASE_HEADERS, NO_HEADERS, Sessions, always
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer
from ringfence.adapters.wire.mcp import Era, era_from, modern_headers, modern_meta
from ringfence.adapters.wire.mcp_names import UNSUPPORTED_PROTOCOL_VERSION
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import NotSent, Unknown

METHOD = "server/discover"


class Eras:
    """The server's era: configured, or asked once and remembered until an answer casts doubt on it."""

    def __init__(self, channel: HttpChannel, sessions: Sessions) -> None:
        self._channel = channel
        self._sessions = sessions
        self._probing = asyncio.Lock()
        self.known = channel.options.era
        self._has_older: bool | None = None if channel.options.era is None else False

    async def settle(self, principal: str, capabilities: bytes, deadline: float, own: Mapping[str, str] = NO_HEADERS) -> Era:
        """Raises UnavailableError."""
        if self.known is not None:
            return self.known
        async with self._probing:
            if self.known is None:
                era = await era_of(self._channel, deadline, own)
                if era is Era.LEGACY:
                    # Only a completed handshake proves the older era; an outage does not.
                    await self._sessions.get(principal, deadline, capabilities, own)
                self.known = era
            return self.known

    async def older(self, principal: str, capabilities: bytes, deadline: float, own: Mapping[str, str] = NO_HEADERS) -> Era:
        """The legacy era, where this modern server serves it as well. It does not say so: the handshake is tried, once."""
        if self._has_older is False:
            return Era.MODERN
        try:
            await self._sessions.get(principal, deadline, capabilities, own)
        except UnavailableError:
            self._has_older = self._has_older or False
            return Era.MODERN
        self._has_older = True
        return Era.LEGACY

    def forget(self) -> None:
        self.known = self._channel.options.era

    def doubt(self, received: Received) -> None:
        """Look again before the next request where the answer suggests that the server has changed its era."""
        message = received.message
        lost = message is None and received.status in (400, 404, 405)
        if lost or (isinstance(message, ErrorAnswer) and message.code == UNSUPPORTED_PROTOCOL_VERSION):
            self.forget()


async def era_of(channel: HttpChannel, deadline: float, own: Mapping[str, str] = NO_HEADERS) -> Era:
    """Ask once with `server/discover`.

    A time-out, a broken connection or a refused credential is an outage and no era: UnavailableError. Every other answer
    that does not prove the modern era means that the older handshake has to be tried.
    """
    identity = channel.next_id()
    body = GuardedBody(jsonrpc.request(identity, METHOD, canonical_bytes({"_meta": modern_meta()})), always)
    headers = {**BASE_HEADERS, **modern_headers(METHOD), **own}
    received = await channel.post(headers, body, identity=identity, deadline=deadline)
    if isinstance(received, NotSent | Unknown):
        raise UnavailableError(f"the server cannot be reached: {received.why}")
    if received.status in (401, 403):
        raise UnavailableError("the server does not accept the gateway's credential")
    return era_from(received.message)
