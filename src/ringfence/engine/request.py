"""What an agent asks for, and its client as one call sees it: what an enforcement point hands to the enforcer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ringfence.core.mcp.client_meta import NO_META, ClientMeta
from ringfence.ports.upstream import TOOLS_CALL, Asker, keep_all


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """What an agent asked for, strictly parsed."""

    name: str
    """As it stands on the wire."""
    arguments: Mapping[str, Any]
    server: str | None = None
    """On `/mcp/{server}`: that server, and `name` is its own; on `/mcp`: None. With a method: always the server."""
    method: str = TOOLS_CALL
    """Another method (`core.mcp.methods`) is decided like a tool of that name: `name` is the method, `arguments` its params."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSide:
    """The agent's client as one call sees it: what it can be told and asked while the call is under way."""

    is_legacy: bool = False
    """It opened a session (MCP up to 2025-11-25)."""
    capabilities: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """As the client declared them."""
    on_progress: Callable[[Mapping[str, Any]], None] | None = None
    log_level: str | None = None
    on_log: Callable[[Mapping[str, Any]], None] | None = None
    meta: ClientMeta = NO_META
    """What it said beside its request.

    It is not in the call's digest: clients write another trace context each time, so a call that is repeated after its approval
    would never be the one that was approved.
    """
    ask: Asker | None = None
    """Puts a server's requests to the client. None: it cannot be asked."""
    may_keep: Callable[[int], bool] = keep_all
    """Asked for room before so many bytes of a server's answer are kept on their way to the client."""


SILENT = ClientSide()
"""A client that wants nothing but the answer."""
