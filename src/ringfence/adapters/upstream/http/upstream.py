"""An upstream server over streamable HTTP, of either era."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ringfence.adapters.upstream.answers import InputRequired, reply_of
from ringfence.adapters.upstream.backoff import Jitter, no_jitter
from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.hearing import Hearing
from ringfence.adapters.upstream.http.aside import Asides
from ringfence.adapters.upstream.http.back import BackChannel
from ringfence.adapters.upstream.http.catalogue import HttpCatalogue
from ringfence.adapters.upstream.http.channel import HttpChannel, Received
from ringfence.adapters.upstream.http.probe import Eras
from ringfence.adapters.upstream.http.secrets import AUTHORIZATION
from ringfence.adapters.upstream.http.sessions import BASE_HEADERS, NO_HEADERS, Session, Sessions, always
from ringfence.adapters.upstream.http.url import check_options
from ringfence.adapters.upstream.logs import LEVELS
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.adapters.upstream.outgoing import Outgoing, outgoing
from ringfence.adapters.upstream.rounds import in_rounds
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer
from ringfence.adapters.wire.mcp import Era, modern_headers
from ringfence.adapters.wire.mcp_names import INTERNAL_ERROR
from ringfence.adapters.wire.param_headers import param_headers
from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import (
    NOTHING_DECLARED,
    TOOLS_CALL,
    Described,
    Failed,
    Health,
    HealthState,
    Notice,
    NotSent,
    Reply,
    Sending,
    Unknown,
)


class HttpUpstream:
    """Implements `ringfence.ports.upstream.Upstream`.

    What holds for the guard: `may_send` is asked right before the one synchronous step that hands headers and body to the
    transport (see `GuardedBody`); where it says no, no byte of the request leaves. TCP connections are shared between
    principals, as HTTP allows; sessions are not, and ids are unique over all principals.
    """

    def __init__(self, options: HttpOptions, jitter: Jitter = no_jitter) -> None:
        """Raises ConfigError where the URL or a header cannot be used."""
        check_options(options)
        self._options = options
        self._channel = HttpChannel(options, jitter)
        self._sessions = Sessions(self._channel, options)
        self._eras = Eras(self._channel, self._sessions)
        self._back = BackChannel(self._channel)
        self._asides = Asides(self._channel, self._back)
        self._catalogue = HttpCatalogue(self._channel, self._sessions, self._eras, self._back)
        self.oddities = self._back.oddities

    async def describe(self, declared: Mapping[str, Any] = NOTHING_DECLARED) -> Described:
        return await self._catalogue.describe(declared)

    async def listen(
        self,
        uris: frozenset[str],
        on_notice: Callable[[Notice], None],
        on_listening: Callable[[], None] | None = None,
    ) -> None:
        """One listener at a time: a legacy session has only one such stream."""
        await self._catalogue.listen(uris, on_notice, on_listening)

    # --- calling

    async def call(self, sending: Sending) -> Reply:
        deadline = asyncio.get_running_loop().time() + sending.deadline_s
        request = outgoing(sending)
        if isinstance(request, NotSent):
            return request
        if sending.bearer_for != self._options.on_behalf:
            # The engine and this adapter are replaced one after the other.
            return NotSent("the configuration of this server is being replaced")
        era = self._eras.known
        if era is None or (era is Era.MODERN and request.method == TOOLS_CALL and self._catalogue.param_maps is None):
            try:
                async with asyncio.timeout_at(deadline):
                    era = await self._eras.settle(sending.principal, request.capabilities, deadline, _of_user(sending))
                    if era is Era.MODERN and request.method == TOOLS_CALL and self._catalogue.param_maps is None:
                        await self._catalogue.map_params(deadline)
            except TimeoutError:
                return NotSent("the deadline passed before anything was sent")
            except UnavailableError as error:
                return NotSent(str(error))
        if era is Era.MODERN and sending.legacy_client and (sending.capabilities or sending.log_level is not None):
            era = await self._eras.older(sending.principal, request.capabilities, deadline, _of_user(sending))
        hearing = Hearing(sending, self.oddities)
        try:
            if era is Era.MODERN:
                return await self._call_modern(sending, request, hearing, deadline)
            reply = await self._call_legacy(sending, request, hearing, deadline)
            if reply is None:
                # The call was refused for its session and not executed, so it may go again, once.
                reply = await self._call_legacy(sending, request, hearing, deadline)
        finally:
            if hearing.has_asked:
                await hearing.close()
        return reply or Failed(INTERNAL_ERROR, "the server does not know the session that it opened")

    async def _call_modern(self, sending: Sending, request: Outgoing, hearing: Hearing, deadline: float) -> Reply:
        headers = {**BASE_HEADERS, **modern_headers(request.method, request.name), **_revealed(sending)}
        maps = self._catalogue.param_maps
        if request.method == TOOLS_CALL and maps and (header_map := maps.get(sending.tool)):
            headers |= param_headers(header_map, parse_strict(sending.arguments))

        async def send(more: bytes = b"") -> Reply | InputRequired:
            identity = self._channel.next_id()
            hearing.begin(identity, None)
            line = request.line(Era.MODERN, identity, wants_progress=hearing.progress is not None, more=more)
            body = GuardedBody(line, sending.may_send)
            # Closing the stream is the cancellation of this era, and `post` closes it on every way out.
            received = await self._channel.post(
                headers, body, identity=identity, deadline=deadline, listener=hearing.hear, may_keep=sending.may_keep
            )
            return self._reply(received, Era.MODERN, request.method, sending)

        reply = await send()
        if isinstance(reply, InputRequired):
            return await in_rounds(sending, reply, send, deadline=deadline, pause_s=self._options.round_pause_s)
        return reply

    async def _call_legacy(self, sending: Sending, request: Outgoing, hearing: Hearing, deadline: float) -> Reply | None:
        """None: the server did not know the session, so nothing was executed."""
        try:
            session = await self._sessions.get(sending.principal, deadline, request.capabilities, _of_user(sending))
        except UnavailableError as error:
            if sending.on_refused is not None:
                sending.on_refused()
            if not self._sessions.is_full:
                self._eras.forget()
            return NotSent(str(error))
        if sending.capabilities or hearing.logs is not None:
            await self._prepare(session, request, deadline)
        identity = self._channel.next_id()
        hearing.begin(identity, session.back or self._back.to(session))
        line = request.line(Era.LEGACY, identity, wants_progress=hearing.progress is not None)
        body = GuardedBody(line, sending.may_send)
        session.hearings.add(hearing)
        try:
            received = await self._channel.post(
                {**session.headers, **_revealed(sending)} if sending.headers else session.headers,
                body,
                identity=identity,
                deadline=deadline,
                listener=hearing.hear,
                may_keep=sending.may_keep,
            )
        except asyncio.CancelledError:
            if body.left and (told := self._back.cancel(identity, session)) is not None:
                await asyncio.shield(told)
            raise
        finally:
            session.hearings.discard(hearing)
        if self._sessions.is_lost(sending.principal, session, received):
            return None
        if isinstance(received, Unknown):
            self._back.cancel(identity, session)
        reply = self._reply(received, Era.LEGACY, request.method, sending)
        assert not isinstance(reply, InputRequired)  # INVARIANT: only a modern result is read as one
        return reply

    async def _prepare(self, session: Session, request: Outgoing, deadline: float) -> None:
        """What has to stand before a call that may be asked something, or that wants logs."""
        await self._asides.open(session, deadline)
        if request.log_level is None or "logging" not in session.declared.capabilities:
            return
        level = LEVELS.index(request.log_level)
        if session.log_level is not None and session.log_level <= level:
            # What is less severe than this call wants is dropped by its hearing.
            return
        session.log_level = level
        identity = self._channel.next_id()
        params = canonical_bytes({"level": request.log_level})
        body = GuardedBody(jsonrpc.request(identity, "logging/setLevel", params), always)
        limit = min(deadline, asyncio.get_running_loop().time() + self._options.answer_s)
        await self._channel.post(session.headers, body, identity=identity, deadline=limit)

    def _reply(self, received: Received | NotSent | Unknown, era: Era, method: str, sending: Sending) -> Reply | InputRequired:
        if isinstance(received, NotSent | Unknown):
            return received
        status, message = received.status, received.message
        if status == 401 and sending.on_refused is not None:
            sending.on_refused()
        if status in (401, 403):
            return Failed(INTERNAL_ERROR, "the server does not accept the gateway's credential")
        if message is None or isinstance(message, ErrorAnswer):
            self._eras.doubt(received)
        if message is not None:
            return reply_of(message, era, method)
        if status < 500:
            return Failed(INTERNAL_ERROR, f"the server refused the request with HTTP status {status}")
        return Unknown(f"the server answered with HTTP status {status}")

    def health(self) -> Health:
        era = self._eras.known
        health = self._channel.reach.health(str(era) if era is not None else "", self._sessions.running, dict(self.oddities))
        if error := self._channel.secrets.error:
            return replace(health, state=HealthState.UNREACHABLE, error=error, error_s=None)
        return health

    # --- the end

    async def forget(self, principal: str) -> None:
        await self._sessions.end(principal)

    async def close(self) -> None:
        await self._back.close()
        await self._sessions.end_all()
        await self._channel.close()


def _of_user(sending: Sending) -> Mapping[str, str]:
    """What all requests for the principal have."""
    return {AUTHORIZATION: f"Bearer {sending.bearer.reveal()}"} if sending.bearer is not None else NO_HEADERS


def _revealed(sending: Sending) -> dict[str, str]:
    """The headers that only this call's requests have."""
    return {**{name: value.reveal() for name, value in sending.headers.items()}, **_of_user(sending)}
