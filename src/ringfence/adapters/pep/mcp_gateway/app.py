"""The gateway as an ASGI application: bytes in, one decision, bytes out. Read `_serve` first.

The head of a request is judged before its body is read, the body before anything is done; what cannot be read from a known
principal leaves an entry. Frameworks stay out: this is the path that every call takes.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence

from ringfence.adapters.pep.mcp_gateway.asgi import Receive, Scope, Send
from ringfence.adapters.pep.mcp_gateway.callers import Caller, Callers
from ringfence.adapters.pep.mcp_gateway.calls import Calls
from ringfence.adapters.pep.mcp_gateway.client_call import EXECUTED
from ringfence.adapters.pep.mcp_gateway.handoff_requests import HandoffRequests
from ringfence.adapters.pep.mcp_gateway.headers import bearer_in
from ringfence.adapters.pep.mcp_gateway.ladder import Ladder
from ringfence.adapters.pep.mcp_gateway.legacy import Sessions
from ringfence.adapters.pep.mcp_gateway.lists import PROMPTS, RESOURCES, TEMPLATES, TOOLS, Lists
from ringfence.adapters.pep.mcp_gateway.local import Local
from ringfence.adapters.pep.mcp_gateway.metadata import metadata
from ringfence.adapters.pep.mcp_gateway.parse import Head, read_head
from ringfence.adapters.pep.mcp_gateway.peer import Peer, peer_of
from ringfence.adapters.pep.mcp_gateway.places import Place
from ringfence.adapters.pep.mcp_gateway.plain_answers import Response, send_plain
from ringfence.adapters.pep.mcp_gateway.posts import Handler, Posts
from ringfence.adapters.pep.mcp_gateway.refusals import Refusals
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.render import Rendered, render_bad_proof, render_unauthorized
from ringfence.adapters.pep.mcp_gateway.run_requests import RunRequests
from ringfence.adapters.pep.mcp_gateway.run_routes import RunRoutes
from ringfence.adapters.pep.mcp_gateway.session_routes import SessionRoutes
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.pep.mcp_gateway.state_seal import StateSeal
from ringfence.adapters.pep.mcp_gateway.stream import send_json
from ringfence.adapters.pep.mcp_gateway.streams import Streams
from ringfence.adapters.pep.mcp_gateway.visit import Visit
from ringfence.adapters.pep.mcp_gateway.welcome import Welcome
from ringfence.adapters.served.budget import Budget
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.mcp_names import INTERNAL_ERROR, INVALID_REQUEST
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.run import Posture
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.catalogue.given import Given
from ringfence.engine.catalogue.notices import Notices
from ringfence.engine.enforce import Enforcer
from ringfence.engine.people.approvals import Approvals
from ringfence.engine.runs.anonymous import Anonymous
from ringfence.engine.runs.outsiders import Outsiders
from ringfence.engine.runs.runs import Runs
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy
from ringfence.ports.identity import BadProof, Outside, Proofs
from ringfence.ports.store import Store

logger = logging.getLogger(__name__)

_INTERNAL = Rendered(jsonrpc.error(None, INTERNAL_ERROR, "refused: internal"), 500, close=True)
_UNAVAILABLE = Rendered(jsonrpc.error(None, INTERNAL_ERROR, UnavailableError.public_message), 503, close=True)


class McpGateway:
    """The data plane's front: `/mcp`, `/mcp/{server}`, `/runs` with `/runs/handoff`, and `/healthz`."""

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
        proofs: Proofs | None = None,
        outside: Outside | None = None,
        outsiders: Outsiders | None = None,
    ) -> None:
        """`allowed_hosts` are the values of `Host` that are served, with their port; `allowed_origins` likewise.

        `issuers` are the authorization servers that clients without a credential are told of, as configured now. Without
        `proofs`, no credential is accepted under the DPoP scheme; without `outside` and `outsiders`, nobody is believed whom an
        authority outside vouches for.
        """
        limits = limits or GatewayLimits()
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._origins = frozenset(origin.lower() for origin in allowed_origins)
        self._issuers = issuers
        self._callers = Callers(
            store=store,
            clock=clock,
            posture_of=posture_of,
            anonymous=anonymous,
            proofs=proofs,
            outside=outside,
            outsiders=outsiders,
        )
        kept: Budget[RunId] = Budget(
            free=limits.free_body_bytes, per_key=limits.bodies_bytes_per_run, total=limits.bodies_bytes
        )
        self._sessions = Sessions(
            entropy, clock, idle_s=limits.session_idle_s, total=limits.sessions, per_run=limits.sessions_per_run
        )
        self._refusals = Refusals(enforcer)
        given = Given(store, catalogue)
        self._lists = Lists(catalogue, given, entropy, limits.page_items)
        notices = notices or Notices(catalogue, clock)
        welcome = Welcome(catalogue)
        ladder = Ladder(approvals, StateSeal(entropy, clock, limits.state_s), clock, limits.hold_progress_s)
        self._calls = calls = Calls(
            enforcer=enforcer, ladder=ladder, catalogue=catalogue, store=store, clock=clock, entropy=entropy, limits=limits
        )
        local = Local(catalogue, given, self._lists, welcome, limits)
        self._streams = Streams(
            notices=notices, catalogue=catalogue, given=given, welcome=welcome, store=store, clock=clock, limits=limits
        )
        self._routes = SessionRoutes(self._sessions, self._streams, welcome)
        handlers: Mapping[str, Handler] = {
            **dict.fromkeys(EXECUTED, calls.serve),
            **dict.fromkeys((TOOLS, PROMPTS, RESOURCES, TEMPLATES), local.list_page),
            "ping": local.ping,
            "server/discover": local.discover,
            "logging/setLevel": local.set_level,
            "resources/subscribe": local.subscribe,
            "resources/unsubscribe": local.unsubscribe,
            "subscriptions/listen": self._streams.listen,
        }
        self._posts = Posts(handlers=handlers, sessions=self._routes, refusals=self._refusals, kept=kept, limits=limits)
        run_routes = RunRoutes(runs, catalogue, clock, own_uid=os.getuid(), per_minute=limits.runs_per_minute)
        self._runs = RunRequests(run_routes, store, kept, limits)
        self._handoffs = HandoffRequests(enforcer, kept, limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3. Nothing that happens in here lets a call through that was not decided."""
        if scope["type"] != "http":
            return
        response = Response(send)
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
            await self._refusals.reject(self._callers.unread(bearer_in(scope["headers"]), peer), head, send)
            return
        if head.place is Place.HEALTH:
            await send_plain(send, 200, b"ok", b"text/plain; charset=utf-8")
        elif head.place is Place.METADATA:
            document = metadata(head.origin, head.server, self._issuers(), self._callers.algorithms)
            await send_plain(send, 200, document, b"application/json")
        else:
            await self._known_place(head, peer, receive, send)

    async def _known_place(self, head: Head, peer: Peer, receive: Receive, send: Send) -> None:
        caller = await self._callers.caller(head, peer)
        if isinstance(caller, BadProof):
            logger.warning("refused: %s", caller.why)
            await send_json(send, render_bad_proof(head.challenge, self._callers.algorithms, caller.nonce))
            return
        rejection = await self._called(head, peer, caller, receive, send)
        if rejection is not None:
            await self._refusals.reject(caller.presented, rejection, send)

    async def _called(self, head: Head, peer: Peer, caller: Caller, receive: Receive, send: Send) -> Rejection | None:
        if head.place is Place.OPEN_RUN:
            return await self._runs.open(head, peer, receive, send)
        principal = await self._callers.principal(caller)
        if principal is None:
            await send_json(send, render_unauthorized(head.challenge))
            return None
        visit = Visit(head, principal, caller.presented, receive, send)
        if head.place in (Place.HAND_OVER, Place.TAKE):
            return await self._handoffs.serve(visit)
        if head.place is not Place.MCP:
            await self._runs.change(visit)
            return None
        if head.server is not None and not self._lists.reaches(principal.agent, head.server):
            return Rejection(status=404, code=INVALID_REQUEST, message="not found", close=True)
        if head.verb == "DELETE":
            return await self._routes.end(visit)
        if head.verb == "GET":
            return await self._routes.stream(visit)
        await self._posts.post(visit)
        return None

    def _hosts_for(self, peer: Peer) -> frozenset[str]:
        return self._hosts | {"localhost"} if peer.listener == "unix" else self._hosts
