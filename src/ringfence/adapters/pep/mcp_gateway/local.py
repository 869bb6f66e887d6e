"""What the gateway answers by itself: lists, greetings, pings, log levels and subscriptions. No tool is reached from here.

Source: MCP 2025-11-25 and 2026-07-28, server features.
"""

from __future__ import annotations

from typing import Final

from ringfence.adapters.pep.mcp_gateway.client_call import is_uri
from ringfence.adapters.pep.mcp_gateway.inbound import Inbound
from ringfence.adapters.pep.mcp_gateway.lists import PROMPTS, RESOURCES, TEMPLATES, Lists
from ringfence.adapters.pep.mcp_gateway.log_levels import is_level
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.render import RESOURCE_NOT_FOUND, Rendered, render_error, render_result
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.pep.mcp_gateway.stream import send_json
from ringfence.adapters.pep.mcp_gateway.welcome import Welcome
from ringfence.adapters.wire.mcp_names import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND
from ringfence.core.model.identifiers import ServerId
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.catalogue.catalogue import Catalogue
from ringfence.engine.catalogue.given import Given
from ringfence.engine.catalogue.visible import may_read

_EMPTY: Final = b"{}"
_CAPABILITY: Final = {PROMPTS: "prompts", RESOURCES: "resources", TEMPLATES: "resources"}


class Local:
    """One method per MCP method, or per kind of them."""

    def __init__(self, catalogue: Catalogue, given: Given, lists: Lists, welcome: Welcome, limits: GatewayLimits) -> None:
        self._catalogue = catalogue
        self._given = given
        self._lists = lists
        self._welcome = welcome
        self._limits = limits

    async def ping(self, inbound: Inbound) -> None:
        await send_json(inbound.send, render_result(inbound.id, _EMPTY))

    async def discover(self, inbound: Inbound) -> None:
        greeting = await self._welcome.greeting(inbound.principal.agent, inbound.head.server)
        await send_json(inbound.send, render_result(inbound.id, canonical_bytes(greeting.discover_result())))

    async def list_page(self, inbound: Inbound) -> Rejection | None:
        """`tools/list`, `prompts/list`, `resources/list`, `resources/templates/list`."""
        route, principal, server = inbound.route, inbound.principal, inbound.head.server
        needed = _CAPABILITY.get(route.method)
        if needed is not None and needed not in await self._welcome.capabilities(principal.agent, server):
            await send_json(inbound.send, _not_offered(inbound))
            return None
        cursor = route.params.get("cursor")
        if cursor is not None and not isinstance(cursor, str):
            return _bad(inbound, "the cursor must be a string as it was given")
        result = await self._lists.result(principal, server, route.method, route.era, cursor)
        if result is None:
            return _bad(inbound, "the cursor is not of this list as it is now; begin anew")
        await send_json(inbound.send, render_result(inbound.id, result))
        return None

    async def set_level(self, inbound: Inbound) -> Rejection | None:
        """`logging/setLevel`: kept for the session, and sent with each of its calls."""
        level = inbound.route.params.get("level")
        if not is_level(level) or inbound.session is None:
            return _bad(inbound, "the log level must be one of RFC 5424")
        if "logging" not in await self._welcome.capabilities(inbound.principal.agent, inbound.head.server):
            await send_json(inbound.send, _not_offered(inbound))
            return None
        inbound.session.log_level = str(level)
        await send_json(inbound.send, render_result(inbound.id, _EMPTY))
        return None

    async def subscribe(self, inbound: Inbound) -> Rejection | None:
        """`resources/subscribe`: only what this agent may read."""
        session, uri = inbound.session, inbound.route.params.get("uri")
        if session is None or not is_uri(uri):
            return _bad(inbound, "uri must be a string")
        capabilities = await self._welcome.capabilities(inbound.principal.agent, inbound.head.server)
        if "subscribe" not in capabilities.get("resources", {}):
            await send_json(inbound.send, _not_offered(inbound))
            return None
        place = await self._readable(inbound, str(uri))
        if place is None:
            rendered = render_error(inbound.route.era, inbound.id, RESOURCE_NOT_FOUND, "Resource not found", {"uri": uri})
        elif place not in session.subscriptions and len(session.subscriptions) >= self._limits.subscriptions:
            text = f"more than {self._limits.subscriptions} resources are subscribed to"
            rendered = render_error(inbound.route.era, inbound.id, INTERNAL_ERROR, text)
        else:
            session.subscriptions.add(place)
            rendered = self._subscribed(inbound)
        await send_json(inbound.send, rendered)
        return None

    async def unsubscribe(self, inbound: Inbound) -> Rejection | None:
        """`resources/unsubscribe`: what is not subscribed to is none the worse for it."""
        session, uri = inbound.session, inbound.route.params.get("uri")
        if session is None or not is_uri(uri):
            return _bad(inbound, "uri must be a string")
        place = inbound.endpoint.own_uri(str(uri))
        if place is not None:
            session.subscriptions.discard(place)
        await send_json(inbound.send, self._subscribed(inbound))
        return None

    def _subscribed(self, inbound: Inbound) -> Rendered:
        if inbound.session is not None and inbound.session.stream is not None:
            inbound.session.stream.subscribed()
        return render_result(inbound.id, _EMPTY)

    async def _readable(self, inbound: Inbound, uri: str) -> tuple[ServerId, str] | None:
        place, view = inbound.endpoint.own_uri(uri), await self._given.view(inbound.principal)
        if place is None or view is None or not may_read(view, *place):
            return None
        return place if self._catalogue.may_hear_of(*place) else None


def _not_offered(inbound: Inbound) -> Rendered:
    return render_error(inbound.route.era, inbound.id, METHOD_NOT_FOUND, "Method not found")


def _bad(inbound: Inbound, text: str) -> Rejection:
    return Rejection(status=400, code=INVALID_PARAMS, message=text, id=inbound.id)
