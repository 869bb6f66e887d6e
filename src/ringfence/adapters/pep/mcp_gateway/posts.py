"""One JSON-RPC message: its body read within bounds, judged, and given to whoever serves its method. Read `post` first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from ringfence.adapters.pep.mcp_gateway.body import read_body
from ringfence.adapters.pep.mcp_gateway.gate import Gate
from ringfence.adapters.pep.mcp_gateway.inbound import Inbound
from ringfence.adapters.pep.mcp_gateway.legacy import Session
from ringfence.adapters.pep.mcp_gateway.parse import Route, check_post, read_message
from ringfence.adapters.pep.mcp_gateway.plain_answers import send_plain
from ringfence.adapters.pep.mcp_gateway.refusals import Refusals
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.session_routes import SessionRoutes, take_back
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.pep.mcp_gateway.visit import Visit
from ringfence.adapters.served.budget import Budget
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Result
from ringfence.adapters.wire.mcp import Era
from ringfence.adapters.wire.mcp_names import INVALID_REQUEST
from ringfence.core.model.identifiers import RunId

Handler = Callable[[Inbound], Awaitable[Rejection | None]]
"""Serves one method to its end. A rejection is left for the caller to answer; nothing has been done then."""


class Posts:
    """Every POST to `/mcp` and `/mcp/{server}`, of either era."""

    def __init__(
        self,
        *,
        handlers: Mapping[str, Handler],
        sessions: SessionRoutes,
        refusals: Refusals,
        kept: Budget[RunId],
        limits: GatewayLimits,
    ) -> None:
        """`kept` is the room for bodies under way. Which method is served in which era is for `methods.py` to say."""
        self._handlers = handlers
        self._sessions = sessions
        self._refusals = refusals
        self._kept = kept
        self._limits = limits
        self._bodies: Gate[RunId] = Gate(limits.calls_per_run)

    async def post(self, visit: Visit) -> None:
        """The room that a body takes is given back when it has been answered."""
        share = self._kept.share(visit.principal.run)
        try:
            body = await self._body(visit, share.take)
            if body is not None:
                rejection = body if isinstance(body, Rejection) else await self._message(visit, body)
                if rejection is not None:
                    await self._refusals.reject(visit.presented, rejection, visit.send)
        finally:
            share.give_back()

    async def _body(self, visit: Visit, may_keep: Callable[[int], bool]) -> bytes | Rejection | None:
        if (rejection := check_post(visit.head, self._limits.body_bytes)) is not None:
            return rejection
        run = visit.principal.run
        if not self._bodies.enter(run):
            return Rejection(status=429, code=INVALID_REQUEST, message="too many requests at once", close=True, recorded=False)
        try:
            return await read_body(visit.receive, self._limits, may_keep)
        finally:
            self._bodies.leave(run)

    async def _message(self, visit: Visit, body: bytes) -> Rejection | None:
        route = read_message(visit.head, body)
        if isinstance(route, Rejection):
            return route
        if isinstance(route, Result | ErrorAnswer):
            return await self._sessions.answered(visit, route)
        if route.era is Era.MODERN:
            return await self._dispatch(visit, route, None)
        if route.method == "initialize" and route.id is not None and visit.head.session is None:
            return await self._sessions.open(visit, route, route.id)
        session = self._sessions.find(visit, route)
        return session if isinstance(session, Rejection) else await self._dispatch(visit, route, session)

    async def _dispatch(self, visit: Visit, route: Route, session: Session | None) -> Rejection | None:
        if route.id is None:
            if session is not None and route.method == "notifications/cancelled":
                take_back(session, route.params.get("requestId"))
            await send_plain(visit.send, 202, b"", None)
            return None
        if not route.known:
            await self._refusals.method_not_found(route, visit.presented, visit.send)
            return None
        inbound = Inbound(visit.head, route, route.id, visit.principal, visit.presented, session, visit.receive, visit.send)
        return await self._handlers[route.method](inbound)
