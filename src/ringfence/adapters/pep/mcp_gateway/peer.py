"""Who is at the other end of a connection, as the operating system says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringfence.core.model.binding import BindingKind, bound_to
from ringfence.engine.identify import NOBODY

PEER_KEY = "ringfence.peer"
"""Where the server puts it in `scope["extensions"]`."""


class Listener(StrEnum):
    TCP = "tcp"
    UNIX = "unix"


@dataclass(frozen=True, slots=True)
class Peer:
    """One connection's other end."""

    listener: Listener = Listener.TCP
    uid: int | None = None
    """The local user, where the kernel could tell."""
    loopback: bool = False
    """Over TCP from this very machine. False where that is not known."""

    @property
    def senders(self) -> frozenset[str]:
        """What a credential may be bound to. A user behind a loopback port does not count: a forwarded port has one too."""
        if self.listener is not Listener.UNIX or self.uid is None:
            return NOBODY
        return frozenset({bound_to(BindingKind.LOCAL_USER, self.uid)})


UNKNOWN_PEER = Peer()


def peer_of(scope: Mapping[str, Any]) -> Peer:
    """The peer of a request; an unknown one over TCP where the server did not say."""
    found = (scope.get("extensions") or {}).get(PEER_KEY)
    return found if isinstance(found, Peer) else UNKNOWN_PEER
