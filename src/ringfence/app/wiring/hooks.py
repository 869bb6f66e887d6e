"""Wires the hook endpoint, which coding agents' clients ask before they use their own tools."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from ringfence.adapters.pep.hook.app import HookEndpoint, is_hook
from ringfence.adapters.pep.mcp_gateway.peer import Peer
from ringfence.app.data_plane import App, by_path
from ringfence.app.gateway import Gateway
from ringfence.app.wiring.presenting import presented_by
from ringfence.core.model.run import Posture
from ringfence.ports.clock import Clock


def with_hooks(
    gateway: Gateway, others: App, hosts: Collection[str], posture_of: Callable[[Peer], Posture], clock: Clock
) -> tuple[App, Callable[[], Awaitable[None]]]:
    """The data plane with the hook endpoint beside `others`, and what ends its waiting."""
    endpoint = HookEndpoint(
        hooks=gateway.hooks,
        enforcer=gateway.enforcer,
        catalogue=gateway.catalogue,
        store=gateway.store,
        clock=gateway.clock,
        who=presented_by(posture_of, clock),
        allowed_hosts=hosts,
    )
    return by_path(is_hook, endpoint, others), endpoint.close
