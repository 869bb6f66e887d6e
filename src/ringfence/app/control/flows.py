"""Logins at an issuer that have begun and not come back yet: in memory, each for one browser, once, for ten minutes."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from ringfence.core.model.identifiers import Millis
from ringfence.engine.identity.identify import hash_of
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy
from ringfence.ports.people import Offer

LIFE_S: Final = 600
MOST: Final = 1000
COOKIE: Final = "ringfence_oidc"


@dataclass(frozen=True, slots=True)
class Flow:
    """What an answer of the issuer has to fit."""

    offer: Offer
    """Whom was asked, so that nobody else is shown the code."""
    state: str
    nonce: str
    verifier: str
    """Of PKCE (RFC 7636); it never leaves this process but to the issuer."""
    onward: str
    expires_at: Millis

    @property
    def challenge(self) -> str:
        return _text(hashlib.sha256(self.verifier.encode()).digest())


class Flows:
    """The value of a browser's cookie is what a flow is found by."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._flows: dict[str, Flow] = {}

    def begin(self, offer: Offer, onward: str) -> tuple[str, Flow]:
        """The cookie's value, and the flow. The oldest gives way where there are too many."""
        now = self._clock.now()
        self._flows = {key: flow for key, flow in self._flows.items() if now < flow.expires_at}
        while len(self._flows) >= MOST:
            del self._flows[next(iter(self._flows))]
        cookie, state, nonce, verifier = (_text(self._entropy.token(32)) for _ in range(4))
        flow = Flow(offer, state, nonce, verifier, onward, now + LIFE_S * 1000)
        self._flows[hash_of(cookie)] = flow
        return cookie, flow

    def take(self, cookie: str) -> Flow | None:
        """The flow of a cookie, which is over with that."""
        flow = self._flows.pop(hash_of(cookie), None)
        return flow if flow is not None and self._clock.now() < flow.expires_at else None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
