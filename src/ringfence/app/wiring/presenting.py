"""What a connection presents beside the gateway of tools: what its client showed, then what its listener knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ringfence.adapters.pep.mcp_gateway.peer import Peer, peer_of
from ringfence.core.model.run import Posture
from ringfence.engine.identity.identify import Presented
from ringfence.ports.clock import Clock


def presented_by(
    posture_of: Callable[[Peer], Posture], clock: Clock
) -> Callable[[Mapping[str, Any], str], tuple[Presented, ...]]:
    """By its ASGI scope and the credential that was shown, if any. A run below that of a box has a credential of its own; of
    anything else that a client sends as one, the box's listener says whose it is.
    """

    def who(scope: Mapping[str, Any], credential: str) -> tuple[Presented, ...]:
        peer = peer_of(scope)
        shown = (*filter(None, (credential,)), *((peer.box.credential,) if peer.box is not None else ()))
        until = peer.certificate.until if peer.certificate is not None else None
        return tuple(Presented(each, posture_of(peer), peer.senders(clock.now()), until=until) for each in shown)

    return who
