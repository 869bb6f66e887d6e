"""One HTTP request of a known principal, before its body is read."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.adapters.pep.mcp_gateway.asgi import Receive, Send
from ringfence.adapters.pep.mcp_gateway.parse import Head
from ringfence.engine.identity.identify import Presented, Principal


@dataclass(slots=True)
class Visit:
    """Who came, with what, and how to answer."""

    head: Head
    principal: Principal
    presented: Presented
    receive: Receive
    send: Send
