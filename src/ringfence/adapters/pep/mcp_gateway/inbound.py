"""One message with everything that is known about it, on its way to whoever serves its method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ringfence.adapters.pep.mcp_gateway.asgi import Receive, Send
from ringfence.adapters.pep.mcp_gateway.client_capabilities import known_capabilities
from ringfence.adapters.pep.mcp_gateway.endpoint import Endpoint
from ringfence.adapters.pep.mcp_gateway.legacy import Session
from ringfence.adapters.pep.mcp_gateway.parse import Head, Route
from ringfence.adapters.wire.jsonrpc import Id
from ringfence.adapters.wire.mcp_names import CLIENT_CAPABILITIES_META_KEY, LOG_LEVEL_META_KEY
from ringfence.core.mcp.client_meta import ClientMeta, client_meta
from ringfence.engine.identity.identify import Presented, Principal


@dataclass(slots=True)
class Inbound:
    """A request of a known principal."""

    head: Head
    route: Route
    id: Id
    principal: Principal
    presented: Presented
    session: Session | None
    """Of legacy clients."""
    receive: Receive
    send: Send

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.head.server)

    def capabilities(self) -> Mapping[str, Any]:
        """What this client declared, once for its session or with this very request."""
        if self.session is not None:
            return self.session.capabilities
        return known_capabilities(_meta(self.route).get(CLIENT_CAPABILITIES_META_KEY))

    def meta(self) -> ClientMeta:
        """What of this client's `_meta` goes to the server with the request."""
        return client_meta(_meta(self.route))

    def log_level(self) -> str | None:
        """The least severe log message that this client wants to hear."""
        return self.session.log_level if self.session is not None else _meta(self.route).get(LOG_LEVEL_META_KEY)


def _meta(route: Route) -> dict[str, Any]:
    return cast("dict[str, Any]", route.params.get("_meta", {}))
