"""Runs over HTTP: the agents' own bridges open, renew and close theirs."""

from __future__ import annotations

from ringfence.adapters.pep.mcp_gateway.asgi import Receive, Send
from ringfence.adapters.pep.mcp_gateway.body import read_body
from ringfence.adapters.pep.mcp_gateway.parse import Head, check_post
from ringfence.adapters.pep.mcp_gateway.peer import Peer
from ringfence.adapters.pep.mcp_gateway.places import Place
from ringfence.adapters.pep.mcp_gateway.plain_answers import send_json_plain
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.run_routes import RunRoutes
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.pep.mcp_gateway.visit import Visit
from ringfence.adapters.served.budget import Budget
from ringfence.core.model.identifiers import RunId
from ringfence.ports.store import Store

_NOBODY = RunId("")
"""Whoever asks for a run has none yet."""


class RunRequests:
    """`/runs`, `/runs/renew` and `/runs/close`. A rejection is left for the caller to answer."""

    def __init__(self, routes: RunRoutes, store: Store, kept: Budget[RunId], limits: GatewayLimits) -> None:
        self._routes = routes
        self._store = store
        self._kept = kept
        self._limits = limits

    async def open(self, head: Head, peer: Peer, receive: Receive, send: Send) -> Rejection | None:
        """A stranger's request: whether it may try at all comes before its body."""
        if (refused := self._routes.may_try(peer)) is not None:
            await send_json_plain(send, refused, close=True)
            return None
        if (rejection := check_post(head, self._limits.body_bytes)) is not None:
            return rejection
        share = self._kept.share(_NOBODY)
        try:
            body = await read_body(receive, self._limits, share.take)
            if isinstance(body, Rejection):
                return body
            if body is not None:
                await send_json_plain(send, await self._routes.open(peer, body))
        finally:
            share.give_back()
        return None

    async def change(self, visit: Visit) -> None:
        """Renew or close the run of whoever asks."""
        if visit.head.place is Place.RENEW_RUN:
            answer = await self._routes.renew(visit.principal, visit.presented.credential)
        else:
            run = await self._store.run(visit.principal.run)
            answer = await self._routes.close(visit.principal, standing=run is None or run.expires_at is None)
        await send_json_plain(visit.send, answer)
