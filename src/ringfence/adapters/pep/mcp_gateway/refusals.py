"""Requests that go no further: what a known principal sent in vain leaves an entry, and everybody gets an answer."""

from __future__ import annotations

import logging

from ringfence.adapters.pep.mcp_gateway.asgi import Send
from ringfence.adapters.pep.mcp_gateway.parse import Route
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.render import render_error, render_rejection
from ringfence.adapters.pep.mcp_gateway.stream import send_json
from ringfence.adapters.wire.mcp_names import METHOD_NOT_FOUND
from ringfence.engine.enforce import Enforcer
from ringfence.engine.identity.identify import Presented
from ringfence.errors import UnavailableError

logger = logging.getLogger(__name__)


class Refusals:
    """Answers and records."""

    def __init__(self, enforcer: Enforcer) -> None:
        self._enforcer = enforcer

    async def reject(self, presented: Presented, rejection: Rejection, send: Send) -> None:
        """Answer a request that could not be read or may not go on."""
        entry = await self._note(presented, rejection.message) if rejection.recorded else None
        await send_json(send, render_rejection(rejection, entry))

    async def method_not_found(self, route: Route, presented: Presented, send: Send) -> None:
        """Answer a request for a method that the gateway does not serve."""
        rendered = render_error(route.era, route.id, METHOD_NOT_FOUND, "Method not found")
        await self._note(presented, f"method not found: {route.method[:80]}")
        await send_json(send, rendered)

    async def _note(self, presented: Presented, what: str) -> str | None:
        """The entry of what a known principal sent in vain; None where nobody is known or nothing can be recorded."""
        if not presented.key:
            return None
        try:
            return (await self._enforcer.refuse_malformed(presented, what)).entry
        except UnavailableError as error:
            logger.warning("a malformed request could not be recorded: %s", error)
            return None
