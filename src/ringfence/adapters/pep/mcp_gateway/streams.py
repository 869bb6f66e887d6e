"""Who hears of changes: the GET stream of a legacy session, and `subscriptions/listen` of a modern client.

Source: MCP 2025-11-25, transports (listening for messages); 2026-07-28, subscriptions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, cast

from ringfence.adapters.pep.mcp_gateway.asgi import Receive, Send
from ringfence.adapters.pep.mcp_gateway.client_call import is_uri
from ringfence.adapters.pep.mcp_gateway.endpoint import Endpoint
from ringfence.adapters.pep.mcp_gateway.gate import Gate
from ringfence.adapters.pep.mcp_gateway.headers import accepts
from ringfence.adapters.pep.mcp_gateway.inbound import Inbound
from ringfence.adapters.pep.mcp_gateway.legacy import Session
from ringfence.adapters.pep.mcp_gateway.notice_stream import NoticeStream
from ringfence.adapters.pep.mcp_gateway.parse import Head
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.pep.mcp_gateway.welcome import Welcome
from ringfence.adapters.wire import jsonrpc
from ringfence.adapters.wire.jsonrpc import Id
from ringfence.adapters.wire.mcp import SSE_TYPE
from ringfence.adapters.wire.mcp_names import INVALID_PARAMS, INVALID_REQUEST, SUBSCRIPTION_ID_META_KEY
from ringfence.core.model.identifiers import AgentId, RunId, ServerId
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.catalogue.given import Given
from ringfence.engine.catalogue.notices import Listener, Notices
from ringfence.engine.catalogue.visible import may_read
from ringfence.engine.identity.identify import Presented, Principal, identify
from ringfence.errors import UnavailableError
from ringfence.ports.clock import Clock
from ringfence.ports.store import Store
from ringfence.ports.upstream import NoticeKind

_FLAGS: Final = {
    "toolsListChanged": ("tools", NoticeKind.TOOLS),
    "promptsListChanged": ("prompts", NoticeKind.PROMPTS),
    "resourcesListChanged": ("resources", NoticeKind.RESOURCES),
}
_ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"


class Streams:
    """All open streams of change notices at this gateway."""

    def __init__(
        self,
        *,
        notices: Notices,
        catalogue: Catalogue,
        given: Given,
        welcome: Welcome,
        store: Store,
        clock: Clock,
        limits: GatewayLimits,
    ) -> None:
        self._notices = notices
        self._catalogue = catalogue
        self._given = given
        self._welcome = welcome
        self._store = store
        self._clock = clock
        self._limits = limits
        self._per_run: Gate[RunId] = Gate(limits.streams_per_run)
        self._open: set[NoticeStream] = set()
        self._ended = False

    async def get(
        self, head: Head, principal: Principal, presented: Presented, session: Session, receive: Receive, send: Send
    ) -> Rejection | None:
        """A legacy session's stream. There is one; `Last-Event-ID` means nothing, since no event has an id."""
        if not accepts(head.headers.get("accept", ""), SSE_TYPE):
            return Rejection(status=406, code=INVALID_REQUEST, message=f"the client must accept {SSE_TYPE}")
        capabilities = await self._welcome.capabilities(principal.agent, head.server)
        if session.stream is not None:
            return Rejection(status=409, code=INVALID_REQUEST, message="the session has a stream already", recorded=False)
        kinds = [kind for name, kind in _FLAGS.values() if "listChanged" in capabilities.get(name, {})]
        stream = NoticeStream(Endpoint(head.server), kinds, None, self._limits)
        listener = Listener(principal.agent, self._servers(principal.agent, head.server), stream.tell)
        listener.uris = frozenset(session.subscriptions)
        listener.run = principal.run if head.server is None else listener.run
        session.stream = _SessionStream(stream, listener, session, self._notices)
        try:
            return await self._run(stream, listener, principal, presented, receive, send, None, None)
        finally:
            session.stream = None

    async def listen(self, inbound: Inbound) -> Rejection | None:
        """A modern client's `subscriptions/listen`: the first message says what of it is granted."""
        asked = _filter_in(inbound.route.params.get("notifications"))
        if isinstance(asked, str):
            return Rejection(status=400, code=INVALID_PARAMS, message=asked, id=inbound.id)
        if len(asked.get("resourceSubscriptions", ())) > self._limits.subscriptions:
            text = f"more than {self._limits.subscriptions} resources"
            return Rejection(status=400, code=INVALID_PARAMS, message=text, id=inbound.id)
        agent, server, endpoint = inbound.principal.agent, inbound.head.server, inbound.endpoint
        capabilities = await self._welcome.capabilities(agent, server)
        flags = [flag for flag, (name, _) in _FLAGS.items() if asked.get(flag) and "listChanged" in capabilities.get(name, {})]
        granted: dict[str, Any] = dict.fromkeys(flags, True)
        places: dict[str, tuple[ServerId, str]] = {}
        if "subscribe" in capabilities.get("resources", {}):
            places = await self._readable(inbound.principal, endpoint, asked.get("resourceSubscriptions", ()))
        if places:
            granted["resourceSubscriptions"] = list(places)
        meta = {SUBSCRIPTION_ID_META_KEY: inbound.id}
        stream = NoticeStream(endpoint, [_FLAGS[flag][1] for flag in flags], meta, self._limits)
        listener = Listener(agent, self._servers(agent, server), stream.tell, frozenset(places.values()))
        listener.run = inbound.principal.run if server is None else listener.run
        first = jsonrpc.notification(_ACKNOWLEDGED, canonical_bytes({"notifications": granted, "_meta": meta}))
        last = jsonrpc.result(inbound.id, canonical_bytes({"resultType": "complete", "_meta": meta}))
        return await self._run(
            stream, listener, inbound.principal, inbound.presented, inbound.receive, inbound.send, first, last, inbound.id
        )

    def end(self) -> None:
        """Say goodbye on every stream, and open no more: the gateway ends."""
        self._ended = True
        for stream in self._open:
            stream.end()

    async def _run(
        self,
        stream: NoticeStream,
        listener: Listener,
        principal: Principal,
        presented: Presented,
        receive: Receive,
        send: Send,
        first: bytes | None,
        last: bytes | None,
        identity: Id | None = None,
    ) -> Rejection | None:
        if self._ended or not self._per_run.enter(principal.run):
            text = "too many streams are open"
            return Rejection(status=429, code=INVALID_REQUEST, message=text, id=identity, recorded=False)
        self._open.add(stream)
        self._notices.add(listener)
        try:
            await self._notices.listening(listener, self._limits.listening_s)
            await stream.run(receive, send, first=first, last=last, still=lambda: self._known(presented))
        finally:
            self._notices.remove(listener)
            self._open.discard(stream)
            self._per_run.leave(principal.run)
        return None

    async def _known(self, presented: Presented) -> bool:
        """A stream outlives the moment it was opened in: whoever holds it is identified again before anything is told.

        Its run, and every run above it, has to be alive: a parent takes the streams of its subtree along.
        """
        try:
            principal = await identify(self._store, self._clock, presented)
            return isinstance(principal, Principal) and await self._given.lives(principal, self._clock.now())
        except UnavailableError:
            return False

    def _servers(self, agent: AgentId, server: str | None) -> frozenset[ServerId]:
        view = self._catalogue.view(agent)
        given = {tool.partition(".")[0] for tool in view.agent.tools} if view is not None else set[str]()
        return frozenset(name for name in self._catalogue.upstreams if name in given and server in (None, name))

    async def _readable(
        self, principal: Principal, endpoint: Endpoint, uris: Collection[str]
    ) -> dict[str, tuple[ServerId, str]]:
        view = await self._given.view(principal)
        if view is None:
            return {}
        places = {uri: place for uri in uris if (place := endpoint.own_uri(uri)) is not None}
        return {uri: place for uri, place in places.items() if may_read(view, *place) and self._catalogue.may_hear_of(*place)}


class _SessionStream:
    """A session's stream, as its session sees it."""

    def __init__(self, stream: NoticeStream, listener: Listener, session: Session, notices: Notices) -> None:
        self._stream = stream
        self._listener = listener
        self._session = session
        self._notices = notices

    def end(self) -> None:
        self._stream.end()

    def subscribed(self) -> None:
        self._notices.change(self._listener, frozenset(self._session.subscriptions))


def _filter_in(value: Any) -> Mapping[str, Any] | str:
    """The notifications that a client wants, or what is wrong with them."""
    if not isinstance(value, dict):
        return "notifications must be an object"
    found = cast("dict[str, Any]", value)
    if not all(isinstance(found.get(flag, False), bool) for flag in _FLAGS):
        return "whether a list's changes are wanted must be true or false"
    uris = found.get("resourceSubscriptions", [])
    if not isinstance(uris, list) or not all(is_uri(uri) for uri in cast("list[Any]", uris)):
        return "resourceSubscriptions must be URIs"
    return found
