"""Wires the hook endpoint, which coding agents' clients ask before they use their own tools."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from ringfence.adapters.pep.hook.app import HookEndpoint, is_hook
from ringfence.adapters.pep.mcp_gateway.peer import Peer, peer_of
from ringfence.app.data_plane import App, by_path
from ringfence.app.gateway import Gateway
from ringfence.core.model.run import Posture
from ringfence.engine.identity.identify import Presented
from ringfence.ports.clock import Clock


def with_hooks(
    gateway: Gateway, others: App, hosts: Collection[str], posture_of: Callable[[Peer], Posture], clock: Clock
) -> tuple[App, Callable[[], Awaitable[None]]]:
    """The data plane with the hook endpoint beside `others`, and what ends its waiting."""

    def who(scope: Mapping[str, Any], credential: str) -> tuple[Presented, ...]:
        peer = peer_of(scope)
        shown = ((credential,) if credential else ()) + ((peer.box.credential,) if peer.box is not None else ())
        until = peer.certificate.until if peer.certificate is not None else None
        return tuple(Presented(each, posture_of(peer), peer.senders(clock.now()), until=until) for each in shown)

    endpoint = HookEndpoint(
        hooks=gateway.hooks,
        enforcer=gateway.enforcer,
        catalogue=gateway.catalogue,
        store=gateway.store,
        clock=gateway.clock,
        who=who,
        allowed_hosts=hosts,
    )
    return by_path(is_hook, endpoint, others), endpoint.close
