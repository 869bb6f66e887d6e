"""Who is at the other end of a connection, as the operating system says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ringfence.core.model.binding import BindingKind, bound_to
from ringfence.core.model.identifiers import Millis
from ringfence.engine.identity.identify import NOBODY

PEER_KEY = "ringfence.peer"
"""Where the server puts it in `scope["extensions"]`."""
CONNECTION_KEY = "ringfence.connection"
"""Likewise the connection's transport, for who has to end it without what lies in its buffer."""


class Listener(StrEnum):
    TCP = "tcp"
    UNIX = "unix"
    BOX = "box"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerCertificate:
    """A client certificate whose chain was verified when the connection began."""

    thumbprint: str
    """SHA-256 of it, base64url (RFC 8705)."""
    uris: tuple[str, ...]
    """Whom it was issued for: the URIs among its alternative names."""
    until: Millis
    """When it expires; connections live longer than certificates may."""

    @property
    def binding(self) -> str:
        return bound_to(BindingKind.CERTIFICATE, self.thumbprint)


@dataclass(frozen=True, slots=True)
class Boxed:
    """The box whose inner listener a connection came in by. Its processes hold no credential: the listener is theirs."""

    credential: str = field(repr=False)
    binding: str


@dataclass(frozen=True, slots=True)
class Peer:
    """One connection's other end."""

    listener: Listener = Listener.TCP
    uid: int | None = None
    """The local user, where the kernel could tell."""
    loopback: bool = False
    """Over TCP from this very machine. False where that is not known."""
    certificate: PeerCertificate | None = None
    """Of the client, where it showed one that the operator's authority has signed."""
    box: Boxed | None = None

    def senders(self, now: Millis) -> frozenset[str]:
        """What a credential may be bound to. A user behind a loopback port does not count: a forwarded port has one too."""
        if self.box is not None:
            return frozenset({self.box.binding})
        if self.certificate is not None and now < self.certificate.until:
            return frozenset({self.certificate.binding})
        if self.listener is not Listener.UNIX or self.uid is None:
            return NOBODY
        return frozenset({bound_to(BindingKind.LOCAL_USER, self.uid)})


UNKNOWN_PEER = Peer()


def peer_of(scope: Mapping[str, Any]) -> Peer:
    """The peer of a request; an unknown one over TCP where the server did not say."""
    found = (scope.get("extensions") or {}).get(PEER_KEY)
    return found if isinstance(found, Peer) else UNKNOWN_PEER
