"""The MCP gateway over a `World`, and agents that speak to it in either era, in-process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from mcp.shared.inbound import NAME_BEARING_METHODS
from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY

from ringfence.adapters.pep.mcp_gateway.app import McpGateway
from ringfence.adapters.pep.mcp_gateway.peer import Peer
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.core.model.run import Posture
from ringfence.engine.runs.anonymous import Anonymous
from ringfence.engine.runs.runs import Opened
from ringfence.ports.identity import Outside, Proofs
from ringfence.testing.asgi import Exchange, start
from ringfence.testing.world import World

HOST = "127.0.0.1:7410"
MODERN = "2026-07-28"
LEGACY = "2025-11-25"


def gateway(
    world: World,
    *,
    limits: GatewayLimits | None = None,
    hosts: tuple[str, ...] = (HOST,),
    posture_of: Callable[[Peer], Posture] = lambda _: Posture.SEPARATE,
    anonymous: Anonymous | None = None,
    issuers: tuple[str, ...] = (),
    proofs: Proofs | None = None,
    outside: Outside | None = None,
) -> McpGateway:
    """A gateway in front of a world's engine."""
    return McpGateway(
        enforcer=world.enforcer,
        approvals=world.approvals,
        runs=world.runs,
        catalogue=world.catalogue,
        store=world.store,
        clock=world.clock,
        entropy=world.entropy,
        allowed_hosts=hosts,
        allowed_origins=("http://localhost:6274",),
        posture_of=posture_of,
        limits=limits or GatewayLimits(progress_per_s=1_000_000),
        anonymous=anonymous,
        issuers=lambda: issuers,
        proofs=proofs,
        outside=outside,
        outsiders=world.outsiders,
        notices=world.notices,
    )


class Agent:
    """A client with one run's credential."""

    def __init__(self, app: McpGateway, opened: Opened | str, *, path: str = "/mcp") -> None:
        self.app = app
        self.credential = opened if isinstance(opened, str) else opened.credential
        self.path = path
        self.session: str | None = None
        self.capabilities: Mapping[str, Any] = {}
        """What this client declares."""
        self._next = 0

    def headers(self, **more: str | None) -> dict[str, str]:
        """The headers that every request carries; underscores stand for dashes, None takes one away."""
        base: dict[str, str | None] = {
            "host": HOST,
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "authorization": f"Bearer {self.credential}",
        }
        base |= {name.replace("_", "-"): value for name, value in more.items()}
        return {name: value for name, value in base.items() if value is not None}

    def post(self, message: Any, headers: Mapping[str, str]) -> Exchange:
        """Begin a POST of one message, or of raw bytes."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        return start(self.app, "POST", self.path, headers, body)

    def identity(self) -> int:
        """A new request id."""
        self._next += 1
        return self._next

    # modern ----------------------------------------------------------------------------------------------------------

    def modern(self, method: str, params: Mapping[str, Any] | None = None, **headers: str | None) -> Exchange:
        """Begin a modern request."""
        params = dict(params or {})
        meta = {
            PROTOCOL_VERSION_META_KEY: MODERN,
            CLIENT_CAPABILITIES_META_KEY: dict(self.capabilities),
            CLIENT_INFO_META_KEY: {"name": "t", "version": "1"},
        }
        params["_meta"] = {**meta, **params.get("_meta", {})}
        message = {"jsonrpc": "2.0", "id": self.identity(), "method": method, "params": params}
        routing: dict[str, str | None] = {"mcp_protocol_version": MODERN, "mcp_method": method}
        if method in NAME_BEARING_METHODS:
            routing["mcp_name"] = params.get(NAME_BEARING_METHODS[method])
        return self.post(message, self.headers(**{**routing, **headers}))

    def modern_call(self, name: str, arguments: Mapping[str, Any] | None = None, **params: Any) -> Exchange:
        """Begin a modern `tools/call`."""
        return self.modern("tools/call", {"name": name, "arguments": dict(arguments or {}), **params})

    # legacy ----------------------------------------------------------------------------------------------------------

    async def initialize(self, version: str = LEGACY) -> Exchange:
        """Open a legacy session."""
        client = {"name": "t", "version": "1"}
        params = {"protocolVersion": version, "capabilities": dict(self.capabilities), "clientInfo": client}
        opened = await self.legacy("initialize", params).done()
        self.session = opened.header("mcp-session-id")
        return opened

    def legacy(self, method: str, params: Mapping[str, Any] | None = None, **headers: str | None) -> Exchange:
        """Begin a legacy request, or a notification where the method is one."""
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
        if not method.startswith("notifications/"):
            message["id"] = self.identity()
        if params is not None:
            message["params"] = dict(params)
        session: dict[str, str | None] = {}
        if self.session is not None:
            session = {"mcp_session_id": self.session, "mcp_protocol_version": LEGACY}
        return self.post(message, self.headers(**{**session, **headers}))

    def answer(self, identity: Any, result: Mapping[str, Any]) -> Exchange:
        """Begin a POST of the answer to what a server asked."""
        session = {"mcp_session_id": self.session, "mcp_protocol_version": LEGACY}
        return self.post({"jsonrpc": "2.0", "id": identity, "result": dict(result)}, self.headers(**session))

    def stream(self, **headers: str | None) -> Exchange:
        """Open the session's stream of change notices."""
        base: dict[str, str | None] = {
            "mcp_session_id": self.session,
            "mcp_protocol_version": LEGACY,
            "accept": "text/event-stream",
        }
        return start(self.app, "GET", self.path, self.headers(**{**base, **headers}))

    def legacy_call(self, name: str, arguments: Mapping[str, Any] | None = None, **params: Any) -> Exchange:
        """Begin a legacy `tools/call`."""
        return self.legacy("tools/call", {"name": name, "arguments": dict(arguments or {}), **params})
