"""The gateway as an ASGI application: bytes in, one decision, bytes out. Read `_post` first.

The head of a request is judged before its body is read, the body before anything is done; what cannot be read from a known
principal leaves an entry. Frameworks stay out: this is the path that every call takes.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST

from ringfence.adapters.pep.mcp_gateway.asgi import Message, Receive, Scope, Send
from ringfence.adapters.pep.mcp_gateway.body import read_body
from ringfence.adapters.pep.mcp_gateway.budget import Budget
from ringfence.adapters.pep.mcp_gateway.calls import Calls
from ringfence.adapters.pep.mcp_gateway.client_call import EXECUTED
from ringfence.adapters.pep.mcp_gateway.client_capabilities import known_capabilities
from ringfence.adapters.pep.mcp_gateway.gate import Gate
from ringfence.adapters.pep.mcp_gateway.headers import bearer_in
from ringfence.adapters.pep.mcp_gateway.inbound import Inbound
from ringfence.adapters.pep.mcp_gateway.ladder import Ladder
from ringfence.adapters.pep.mcp_gateway.legacy import Session, Sessions
from ringfence.adapters.pep.mcp_gateway.lists import PROMPTS, RESOURCES, TEMPLATES, TOOLS, Lists
from ringfence.adapters.pep.mcp_gateway.local import Local
from ringfence.adapters.pep.mcp_gateway.metadata import metadata
from ringfence.adapters.pep.mcp_gateway.parse import Head, Route, check_post, read_head, read_message
from ringfence.adapters.pep.mcp_gateway.peer import Peer, peer_of
from ringfence.adapters.pep.mcp_gateway.places import Place
from ringfence.adapters.pep.mcp_gateway.refusals import Refusals
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.render import Rendered, render_result, render_unauthorized
from ringfence.adapters.pep.mcp_gateway.run_routes import Plain, RunRoutes
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.pep.mcp_gateway.state_seal import StateSeal
from ringfence.adapters.pep.mcp_gateway.stream import send_json
from ringfence.adapters.pep.mcp_gateway.streams import Streams
from ringfence.adapters.pep.mcp_gateway.welcome import Welcome
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Id, Result
from ringfence.adapters.wire.mcp import SESSION_HEADER, Era
from ringfence.core.canonical import canonical_bytes
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.run import Posture
from ringfence.engine.anonymous import Anonymous
from ringfence.engine.approvals import Approvals
from ringfence.engine.catalogue import Catalogue
from ringfence.engine.enforce import Enforcer
from ringfence.engine.identify import Presented, Principal, Unidentified, identify
from ringfence.engine.notices import Notices
from ringfence.engine.runs import Runs
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy
from ringfence.ports.store import Store

logger = logging.getLogger(__name__)

_INTERNAL = Rendered(jsonrpc.error(None, INTERNAL_ERROR, "refused: internal"), 500, close=True)
_UNAVAILABLE = Rendered(jsonrpc.error(None, INTERNAL_ERROR, UnavailableError.public_message), 503, close=True)
_NOBODY = RunId("")
"""Whoever asks for a run has none yet."""

Handler = Callable[[Inbound], Awaitable[Rejection | None]]
"""Serves one method to its end. A rejection is left for the caller to answer; nothing has been done then."""


class McpGateway:
    """The data plane's front: `/mcp`, `/mcp/{server}`, `/runs` and `/healthz`."""

    def __init__(
        self,
        *,
        enforcer: Enforcer,
        approvals: Approvals,
        runs: Runs,
        catalogue: Catalogue,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        allowed_hosts: Collection[str],
        allowed_origins: Collection[str] = (),
        posture_of: Callable[[Peer], Posture],
        limits: GatewayLimits | None = None,
        anonymous: Anonymous | None = None,
        notices: Notices | None = None,
        issuers: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """`allowed_hosts` are the values of `Host` that are served, with their port; `allowed_origins` likewise.

        `issuers` are the authorization servers that clients without a credential are told of, as configured now.
        """
        limits = limits or GatewayLimits()
        self._enforcer = enforcer
        self._store = store
        self._clock = clock
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._origins = frozenset(origin.lower() for origin in allowed_origins)
        self._posture_of = posture_of
        self._limits = limits
        self._anonymous = anonymous
        self._issuers = issuers
        self._bodies: Gate[RunId] = Gate(limits.calls_per_run)
        self._kept: Budget[RunId] = Budget(
            free=limits.free_body_bytes, per_key=limits.bodies_bytes_per_run, total=limits.bodies_bytes
        )
        self._sessions = Sessions(
            entropy, clock, idle_s=limits.session_idle_s, total=limits.sessions, per_run=limits.sessions_per_run
        )
        self._refusals = Refusals(enforcer)
        self._lists = Lists(catalogue, entropy, limits.page_items)
        notices = notices or Notices(catalogue, clock)
        welcome = Welcome(catalogue)
        ladder = Ladder(approvals, StateSeal(entropy, clock, limits.state_s), clock, limits.hold_progress_s)
        self._calls = calls = Calls(
            enforcer=enforcer, ladder=ladder, catalogue=catalogue, store=store, clock=clock, entropy=entropy, limits=limits
        )
        local = Local(catalogue, self._lists, welcome, limits)
        self._streams = Streams(notices=notices, catalogue=catalogue, welcome=welcome, store=store, clock=clock, limits=limits)
        self._welcome = welcome
        self._handlers: Mapping[str, Handler] = {
            **dict.fromkeys(EXECUTED, calls.serve),
            **dict.fromkeys((TOOLS, PROMPTS, RESOURCES, TEMPLATES), local.list_page),
            "ping": local.ping,
            "server/discover": local.discover,
            "logging/setLevel": local.set_level,
            "resources/subscribe": local.subscribe,
            "resources/unsubscribe": local.unsubscribe,
            "subscriptions/listen": self._streams.listen,
        }
        """Which method is served in which era is for `methods.py` to say."""
        self._run_routes = RunRoutes(runs, catalogue, clock, own_uid=os.getuid(), per_minute=limits.runs_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3. Nothing that happens in here lets a call through that was not decided."""
        if scope["type"] != "http":
            return
        response = _Response(send)
        try:
            await self._serve(scope, receive, response)
        except UnavailableError as error:
            logger.warning("denied, because something cannot be read fresh: %s", error)
            await response.last_word(_UNAVAILABLE)
        except Exception:
            logger.exception("denied, because of a fault in the gateway")
            await response.last_word(_INTERNAL)

    async def close(self) -> None:
        """End what would stay open otherwise: streams, calls that wait for their client to come back, questions to clients."""
        self._streams.end()
        self._sessions.decline_all()
        await self._calls.close()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = peer_of(scope)
        head = read_head(scope, self._hosts_for(peer), self._origins)
        if isinstance(head, Rejection):
            await self._reject(Presented(bearer_in(scope["headers"]), self._posture_of(peer)), head, send)
            return
        credential = head.credential or await self._anonymous_credential(head, peer)
        presented = Presented(credential, self._posture_of(peer))
        if head.place is Place.HEALTH:
            await _send_plain(send, 200, b"ok", b"text/plain; charset=utf-8")
        elif head.place is Place.METADATA:
            await _send_plain(send, 200, metadata(head.origin, head.server, self._issuers()), b"application/json")
        elif head.place is Place.OPEN_RUN:
            await self._open_run(head, peer, presented, receive, send)
        else:
            principal = await identify(self._store, self._clock, presented)
            if isinstance(principal, Unidentified):
                logger.warning("refused: %s", principal.reason.detail)
                await send_json(send, render_unauthorized(head.challenge if head.place is Place.MCP else b"Bearer"))
            elif head.place is not Place.MCP:
                await self._change_run(head, principal, presented, send)
            elif head.server is not None and not self._lists.reaches(principal.agent, head.server):
                text = "not found"
                await self._reject(presented, Rejection(status=404, code=INVALID_REQUEST, message=text, close=True), send)
            elif head.verb == "DELETE":
                await self._end_session(head, principal, presented, send)
            elif head.verb == "GET":
                await self._open_stream(head, principal, presented, receive, send)
            else:
                await self._post(head, principal, presented, receive, send)

    async def _anonymous_credential(self, head: Head, peer: Peer) -> str:
        """What stands in for a credential that was not even tried, from this machine and only for MCP itself."""
        if self._anonymous is None or not peer.loopback or "authorization" in head.headers or head.place is not Place.MCP:
            return ""
        return await self._anonymous.credential(peer.uid)

    def _hosts_for(self, peer: Peer) -> frozenset[str]:
        return self._hosts | {"localhost"} if peer.listener == "unix" else self._hosts

    async def _post(self, head: Head, principal: Principal, presented: Presented, receive: Receive, send: Send) -> None:
        """One JSON-RPC message. The room that its body takes is given back when it has been answered."""
        share = self._kept.share(principal.run)
        try:
            body = await self._body(head, principal, receive, share.take)
            if body is not None:
                await self._message(head, body, principal, presented, receive, send)
        finally:
            share.give_back()

    async def _message(
        self,
        head: Head,
        body: bytes | Rejection,
        principal: Principal,
        presented: Presented,
        receive: Receive,
        send: Send,
    ) -> None:
        route = body if isinstance(body, Rejection) else read_message(head, body)
        if isinstance(route, Rejection):
            await self._reject(presented, route, send)
        elif isinstance(route, Result | ErrorAnswer):
            await self._answered(head, route, principal, presented, send)
        elif route.era is Era.MODERN:
            await self._dispatch(head, route, principal, presented, None, receive, send)
        elif route.method == "initialize" and route.id is not None and head.session is None:
            await self._initialize(head, route, route.id, principal, presented, send)
        else:
            session = self._session(head, principal, route)
            if isinstance(session, Rejection):
                await self._reject(presented, session, send)
            else:
                await self._dispatch(head, route, principal, presented, session, receive, send)

    async def _body(
        self, head: Head, principal: Principal, receive: Receive, may_keep: Callable[[int], bool]
    ) -> bytes | Rejection | None:
        if (rejection := check_post(head, self._limits.body_bytes)) is not None:
            return rejection
        if not self._bodies.enter(principal.run):
            return Rejection(status=429, code=INVALID_REQUEST, message="too many requests at once", close=True, recorded=False)
        try:
            return await read_body(receive, self._limits, may_keep)
        finally:
            self._bodies.leave(principal.run)

    async def _dispatch(
        self,
        head: Head,
        route: Route,
        principal: Principal,
        presented: Presented,
        session: Session | None,
        receive: Receive,
        send: Send,
    ) -> None:
        if route.id is None:
            if session is not None and route.method == "notifications/cancelled":
                _cancel(session, route.params.get("requestId"))
            await _send_plain(send, 202, b"", None)
        elif not route.known:
            await self._refusals.method_not_found(route, presented, send)
        else:
            inbound = Inbound(head, route, route.id, principal, presented, session, receive, send)
            rejection = await self._handlers[route.method](inbound)
            if rejection is not None:
                await self._reject(presented, rejection, send)

    # legacy sessions -------------------------------------------------------------------------------------------------

    async def _initialize(
        self, head: Head, route: Route, identity: Id, principal: Principal, presented: Presented, send: Send
    ) -> None:
        result = (await self._welcome.greeting(principal.agent, head.server)).initialize_result(route.params)
        if isinstance(result, str):
            await self._reject(presented, Rejection(status=400, code=INVALID_PARAMS, message=result, id=identity), send)
            return
        session = self._sessions.open(principal.run, known_capabilities(route.params.get("capabilities")))
        if session is None:
            text = "too many sessions are open"
            full = Rejection(status=503, code=INVALID_REQUEST, message=text, id=identity, recorded=False)
            await self._reject(presented, full, send)
            return
        header = (SESSION_HEADER.encode(), session.id.encode())
        await send_json(send, render_result(identity, canonical_bytes(result), (header,)))

    def _session(self, head: Head, principal: Principal, route: Route | None) -> Session | Rejection:
        identity = route.id if route is not None else None
        if head.session is None:
            text = "no session: send `initialize` first"
            return Rejection(status=400, code=INVALID_REQUEST, message=text, id=identity)
        session = self._sessions.find(head.session, principal.run)
        if session is None:
            return Rejection(status=404, code=INVALID_REQUEST, message="session not found", id=identity)
        if route is not None and route.method == "initialize":
            return Rejection(status=400, code=INVALID_REQUEST, message="the session is open already", id=identity)
        return session

    async def _end_session(self, head: Head, principal: Principal, presented: Presented, send: Send) -> None:
        session = self._session(head, principal, None)
        if isinstance(session, Rejection):
            await self._reject(presented, session, send)
            return
        self._sessions.close(session)
        await _send_plain(send, 204, b"", None)

    async def _open_stream(self, head: Head, principal: Principal, presented: Presented, receive: Receive, send: Send) -> None:
        session = self._session(head, principal, None)
        if not isinstance(session, Rejection):
            session = await self._streams.get(head, principal, presented, session, receive, send)
        if session is not None:
            await self._reject(presented, session, send)

    async def _answered(
        self, head: Head, message: Result | ErrorAnswer, principal: Principal, presented: Presented, send: Send
    ) -> None:
        """A client's answer to what a server asked; whatever was not asked of this session is refused."""
        session = self._session(head, principal, None)
        if isinstance(session, Rejection):
            await self._reject(presented, session, send)
            return
        waiting = session.asked.get(message.id) if isinstance(message.id, str) else None
        if waiting is None or waiting.done():
            text = "this answer was not asked for"
            await self._reject(presented, Rejection(status=400, code=INVALID_REQUEST, message=text), send)
            return
        waiting.set_result(message)
        await _send_plain(send, 202, b"", None)

    # runs ------------------------------------------------------------------------------------------------------------

    async def _open_run(self, head: Head, peer: Peer, presented: Presented, receive: Receive, send: Send) -> None:
        if (refused := self._run_routes.may_try(peer)) is not None:
            await _send_json_plain(send, refused, close=True)
            return
        rejection = check_post(head, self._limits.body_bytes)
        share = self._kept.share(_NOBODY)
        try:
            body = rejection if rejection is not None else await read_body(receive, self._limits, share.take)
            if isinstance(body, Rejection):
                await self._reject(presented, body, send)
            elif body is not None:
                await _send_json_plain(send, await self._run_routes.open(peer, body))
        finally:
            share.give_back()

    async def _change_run(self, head: Head, principal: Principal, presented: Presented, send: Send) -> None:
        if head.place is Place.RENEW_RUN:
            answer = await self._run_routes.renew(principal, presented.credential)
        else:
            run = await self._store.run(principal.run)
            answer = await self._run_routes.close(principal, standing=run is None or run.standing)
        await _send_json_plain(send, answer)

    async def _reject(self, presented: Presented, rejection: Rejection, send: Send) -> None:
        await self._refusals.reject(presented, rejection, send)


class _Response:
    """`send`, remembering whether a response has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False

    async def __call__(self, message: Message) -> None:
        self._begun = True
        await self._send(message)

    async def last_word(self, rendered: Rendered) -> None:
        """Answer, where nothing has been said yet; else end what was begun."""
        if self._begun:
            await self._send({"type": "http.response.body", "body": b""})
        else:
            await send_json(self._send, rendered)


def _cancel(session: Session, request_id: Any) -> None:
    if type(request_id) is int or type(request_id) is str:
        call = session.calls.get(request_id)
        if call is not None:
            call.cancel()


async def _send_plain(send: Send, status: int, body: bytes, content_type: bytes | None, *, close: bool = False) -> None:
    headers: list[tuple[bytes, bytes]] = []
    if status != 204:
        headers.append((b"content-length", b"%d" % len(body)))
    if content_type is not None:
        headers.append((b"content-type", content_type))
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_json_plain(send: Send, answer: Plain, *, close: bool = False) -> None:
    await _send_plain(send, answer.status, answer.body, b"application/json", close=close)
