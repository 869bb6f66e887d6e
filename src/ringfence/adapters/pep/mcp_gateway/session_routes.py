"""Legacy sessions over HTTP: opening and ending them, their stream, their client's answers.

Source: MCP 2025-11-25, basic/lifecycle and basic/transports.
"""

from __future__ import annotations

from typing import Any

from ringfence.adapters.pep.mcp_gateway.client_capabilities import known_capabilities
from ringfence.adapters.pep.mcp_gateway.legacy import Session, Sessions
from ringfence.adapters.pep.mcp_gateway.parse import Route
from ringfence.adapters.pep.mcp_gateway.plain_answers import send_plain
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.render import render_result
from ringfence.adapters.pep.mcp_gateway.stream import send_json
from ringfence.adapters.pep.mcp_gateway.streams import Streams
from ringfence.adapters.pep.mcp_gateway.visit import Visit
from ringfence.adapters.pep.mcp_gateway.welcome import Welcome
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Id, Result
from ringfence.adapters.wire.mcp import SESSION_HEADER
from ringfence.adapters.wire.mcp_names import INVALID_PARAMS, INVALID_REQUEST
from ringfence.core.strict_json.canonical import canonical_bytes


class SessionRoutes:
    """What a legacy client does with its session besides calling. A rejection is left for the caller to answer."""

    def __init__(self, sessions: Sessions, streams: Streams, welcome: Welcome) -> None:
        self._sessions = sessions
        self._streams = streams
        self._welcome = welcome

    async def open(self, visit: Visit, route: Route, identity: Id) -> Rejection | None:
        """`initialize`."""
        principal = visit.principal
        result = (await self._welcome.greeting(principal.agent, visit.head.server)).initialize_result(route.params)
        if isinstance(result, str):
            return Rejection(status=400, code=INVALID_PARAMS, message=result, id=identity)
        session = self._sessions.open(principal.run, known_capabilities(route.params.get("capabilities")))
        if session is None:
            text = "too many sessions are open"
            return Rejection(status=503, code=INVALID_REQUEST, message=text, id=identity, recorded=False)
        header = (SESSION_HEADER.encode(), session.id.encode())
        await send_json(visit.send, render_result(identity, canonical_bytes(result), (header,)))
        return None

    def find(self, visit: Visit, route: Route | None) -> Session | Rejection:
        """The session that a request names, if it is this principal's."""
        identity = route.id if route is not None else None
        if visit.head.session is None:
            text = "no session: send `initialize` first"
            return Rejection(status=400, code=INVALID_REQUEST, message=text, id=identity)
        session = self._sessions.find(visit.head.session, visit.principal.run)
        if session is None:
            return Rejection(status=404, code=INVALID_REQUEST, message="session not found", id=identity)
        if route is not None and route.method == "initialize":
            return Rejection(status=400, code=INVALID_REQUEST, message="the session is open already", id=identity)
        return session

    async def end(self, visit: Visit) -> Rejection | None:
        """`DELETE`."""
        session = self.find(visit, None)
        if isinstance(session, Rejection):
            return session
        self._sessions.close(session)
        await send_plain(visit.send, 204, b"", None)
        return None

    async def stream(self, visit: Visit) -> Rejection | None:
        """`GET`: the stream of change notices."""
        session = self.find(visit, None)
        if isinstance(session, Rejection):
            return session
        return await self._streams.get(visit.head, visit.principal, visit.presented, session, visit.receive, visit.send)

    async def answered(self, visit: Visit, message: Result | ErrorAnswer) -> Rejection | None:
        """A client's answer to what a server asked; whatever was not asked of this session is refused."""
        session = self.find(visit, None)
        if isinstance(session, Rejection):
            return session
        waiting = session.asked.get(message.id) if isinstance(message.id, str) else None
        if waiting is None or waiting.done():
            return Rejection(status=400, code=INVALID_REQUEST, message="this answer was not asked for")
        waiting.set_result(message)
        await send_plain(visit.send, 202, b"", None)
        return None


def take_back(session: Session, request_id: Any) -> None:
    """`notifications/cancelled`."""
    if type(request_id) is int or type(request_id) is str:
        call = session.calls.get(request_id)
        if call is not None:
            call.cancel()
