"""An upstream server over streamable HTTP, of either era."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from mcp.shared.inbound import find_invalid_x_mcp_header, mcp_param_headers, x_mcp_header_map
from mcp_types import INTERNAL_ERROR, UNSUPPORTED_PROTOCOL_VERSION

from ringfence.adapters.upstream.answers import reply_of
from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.http_back import Attempt, BackChannel
from ringfence.adapters.upstream.http_channel import HttpChannel, Received
from ringfence.adapters.upstream.http_probe import era_of
from ringfence.adapters.upstream.http_sessions import BASE_HEADERS, Session, Sessions, always
from ringfence.adapters.upstream.http_url import check_options
from ringfence.adapters.upstream.listing import all_tools
from ringfence.adapters.upstream.options import CATALOGUE, HttpOptions
from ringfence.adapters.upstream.progress import Progress
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer
from ringfence.adapters.wire.mcp import Era, call_params, modern_headers, modern_meta, request_meta
from ringfence.core.canonical import canonical_bytes, parse_strict
from ringfence.errors import UnavailableError
from ringfence.ports.upstream import Described, Failed, Notice, NotSent, Reply, Sending, Unknown

logger = logging.getLogger(__name__)


class HttpUpstream:
    """Implements `ringfence.ports.upstream.Upstream`.

    What holds for the guard: `may_send` is asked right before the one synchronous step that hands headers and body to the
    transport (see `GuardedBody`); where it says no, no byte of the request leaves. TCP connections are shared between
    principals, as HTTP allows; sessions are not, and ids are unique over all principals.
    """

    def __init__(self, options: HttpOptions) -> None:
        """Raises ConfigError where the URL or a header cannot be used."""
        check_options(options)
        self._options = options
        self._channel = HttpChannel(options)
        self._sessions = Sessions(self._channel, options)
        self._back = BackChannel(self._channel, options.cancel_s)
        self._era = options.era
        self._probing = asyncio.Lock()
        self._param_maps: dict[str, dict[tuple[str, ...], str]] | None = None
        self.oddities = self._back.oddities

    # --- listing

    async def describe(self) -> Described:
        tools = await self.list_tools()
        return Described(era=str(self._era or "legacy"), capabilities={"tools": {}}, tools=tools)

    async def listen(self, uris: frozenset[str], on_notice: Callable[[Notice], None]) -> None:
        del uris, on_notice

    async def list_tools(self) -> tuple[Mapping[str, Any], ...]:
        return await self._list(asyncio.get_running_loop().time() + self._options.list_s)

    async def _list(self, deadline: float) -> tuple[Mapping[str, Any], ...]:
        era = await self._settle(CATALOGUE, deadline)

        async def page(cursor: str | None) -> Mapping[str, Any]:
            return await self._page(era, cursor, deadline)

        tools = await all_tools(page)
        if era is Era.LEGACY:
            return tools
        usable: list[Mapping[str, Any]] = []
        maps: dict[str, dict[tuple[str, ...], str]] = {}
        for tool in tools:
            schema = tool["inputSchema"]
            if (fault := find_invalid_x_mcp_header(schema)) is not None:
                # MCP 2026-07-28, transports: a client must leave such a tool out.
                logger.warning("tool left out: %s: %s", tool["name"], fault)
                continue
            usable.append(tool)
            if header_map := x_mcp_header_map(schema):
                maps[tool["name"]] = header_map
        self._param_maps = maps
        return tuple(usable)

    async def _page(self, era: Era, cursor: str | None, deadline: float) -> Mapping[str, Any]:
        received = await self._ask_page(era, cursor, deadline)
        if received is None:
            received = await self._ask_page(era, cursor, deadline)
        if received is None or isinstance(received, NotSent | Unknown):
            raise UnavailableError(f"the server's tools cannot be listed: {received.why if received else 'no session'}")
        message = received.message
        if message is None or isinstance(message, ErrorAnswer):
            self._doubt(received)
            raise UnavailableError(f"the server refuses to list its tools (HTTP status {received.status})")
        return message.result

    async def _ask_page(self, era: Era, cursor: str | None, deadline: float) -> Received | NotSent | Unknown | None:
        """None: the session was unknown."""
        params: dict[str, Any] = {} if cursor is None else {"cursor": cursor}
        session = None
        if era is Era.LEGACY:
            session = await self._sessions.get(CATALOGUE, deadline)
            headers = session.headers
        else:
            headers = {**BASE_HEADERS, **modern_headers("tools/list")}
            params["_meta"] = modern_meta()
        identity = self._channel.next_id()
        body = GuardedBody(jsonrpc.request(identity, "tools/list", canonical_bytes(params)), always)
        received = await self._channel.post(headers, body, identity=identity, deadline=deadline)
        return None if self._session_lost(CATALOGUE, session, received) else received

    # --- calling

    async def call(self, sending: Sending) -> Reply:
        deadline = asyncio.get_running_loop().time() + sending.deadline_s
        era = self._era
        if era is None or (era is Era.MODERN and self._param_maps is None):
            try:
                async with asyncio.timeout_at(deadline):
                    era = await self._settle(sending.principal, deadline)
                    if era is Era.MODERN and self._param_maps is None:
                        await self._list(deadline)
            except TimeoutError:
                return NotSent("the deadline passed before anything was sent")
            except UnavailableError as error:
                return NotSent(str(error))
        if era is Era.MODERN:
            return await self._call_modern(sending, deadline)
        reply = await self._call_legacy(sending, deadline)
        if reply is None:
            # The call was refused for its session and not executed, so it may go again, once.
            reply = await self._call_legacy(sending, deadline)
        return reply or Failed(INTERNAL_ERROR, "the server does not know the session that it opened")

    async def _call_modern(self, sending: Sending, deadline: float) -> Reply:
        headers = {**BASE_HEADERS, **modern_headers("tools/call", sending.tool)}
        if self._param_maps and (header_map := self._param_maps.get(sending.tool)):
            headers |= mcp_param_headers(header_map, parse_strict(sending.arguments))
        attempt = self._attempt(sending, Era.MODERN, None)
        received = await self._channel.post(
            headers, attempt.body, identity=attempt.id, deadline=deadline, listener=attempt.hear
        )
        # Closing the stream is the cancellation of this era, and `post` closes it on every way out.
        return self._reply(received, Era.MODERN)

    async def _call_legacy(self, sending: Sending, deadline: float) -> Reply | None:
        """None: the server did not know the session, so nothing was executed."""
        try:
            session = await self._sessions.get(sending.principal, deadline)
        except UnavailableError as error:
            if not self._sessions.is_full:
                self._forget_era()
            return NotSent(str(error))
        attempt = self._attempt(sending, Era.LEGACY, session)
        try:
            received = await self._channel.post(
                session.headers, attempt.body, identity=attempt.id, deadline=deadline, listener=attempt.hear
            )
        except asyncio.CancelledError:
            if attempt.body.left:
                await asyncio.shield(self._back.cancel(attempt.id, session))
            raise
        if self._session_lost(sending.principal, session, received):
            return None
        if isinstance(received, Unknown):
            self._back.cancel(attempt.id, session)
        return self._reply(received, Era.LEGACY)

    def _attempt(self, sending: Sending, era: Era, session: Session | None) -> Attempt:
        identity = self._channel.next_id()
        progress = None
        if sending.on_progress is not None:
            progress = Progress(identity, sending.on_progress, asyncio.get_running_loop().time)
        meta = request_meta(era, identity if progress else None)
        line = jsonrpc.request(identity, "tools/call", call_params(sending.tool, sending.arguments, meta))
        return Attempt(self._back, identity, GuardedBody(line, sending.may_send), progress, session)

    def _reply(self, received: Received | NotSent | Unknown, era: Era) -> Reply:
        if isinstance(received, NotSent | Unknown):
            return received
        status, message = received.status, received.message
        if status in (401, 403):
            return Failed(INTERNAL_ERROR, "the server does not accept the gateway's credential")
        if message is None or isinstance(message, ErrorAnswer):
            self._doubt(received)
        if message is not None:
            return reply_of(message, era)
        if status < 500:
            return Failed(INTERNAL_ERROR, f"the server refused the request with HTTP status {status}")
        return Unknown(f"the server answered with HTTP status {status}")

    # --- eras and sessions

    async def _settle(self, principal: str, deadline: float) -> Era:
        """The server's era, asked once. Raises UnavailableError."""
        if self._era is not None:
            return self._era
        async with self._probing:
            if self._era is None:
                era = await era_of(self._channel, deadline)
                if era is Era.LEGACY:
                    # Only a completed handshake proves the older era; an outage does not.
                    await self._sessions.get(principal, deadline)
                self._era = era
            return self._era

    def _forget_era(self) -> None:
        self._era = self._options.era

    def _doubt(self, received: Received) -> None:
        """Look again before the next call where the answer suggests that the server has changed its era."""
        message = received.message
        lost = message is None and received.status in (400, 404, 405)
        if lost or (isinstance(message, ErrorAnswer) and message.code == UNSUPPORTED_PROTOCOL_VERSION):
            self._forget_era()

    def _session_lost(self, principal: str, session: Session | None, received: Received | NotSent | Unknown) -> bool:
        """Whether the request was refused because its session is unknown (404, MCP 2025-11-25, basic/transports).

        Some servers say 400 instead: that is no proof, so nothing goes again, but the next call opens another session.
        """
        if session is None or session.id is None or not isinstance(received, Received):
            return False
        if received.status in (400, 404):
            self._sessions.drop(principal, session)
        return received.status == 404

    # --- the end

    async def forget(self, principal: str) -> None:
        await self._sessions.end(principal)

    async def close(self) -> None:
        await self._back.close()
        await self._sessions.end_all()
        await self._channel.close()
