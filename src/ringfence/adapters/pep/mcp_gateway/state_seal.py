"""The state that a waiting client carries back: sealed, short-lived, used once.

It holds no authority: whoever presents it still has to present the run's credential and the same call, and the ticket itself
executes only once. Sealing keeps clients from reading or bending what they carry.

Source: MCP 2026-07-28, multi round-trip requests; AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ringfence.core.canonical import canonical_bytes, parse_strict
from ringfence.core.model import Millis, RunId, TicketId
from ringfence.errors import RequestError
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy

_MARK = "v1."
_NONCE = 12
_PURPOSE = b"ringfence requestState v1"
_REMEMBERED = 50_000
"""Used states kept in mind. Beyond it the oldest may be used again, which only lets a client wait a little longer."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a waiting call comes back with."""

    run: RunId
    ticket: TicketId
    call: str
    """Digest of endpoint, tool name and arguments."""
    leg: int
    """How many times the client has been asked to come back."""


class StateSeal:
    """Seals and opens `requestState`. The key lives and dies with the process."""

    def __init__(self, entropy: Entropy, clock: Clock, life_s: float) -> None:
        self._aead = AESGCM(entropy.token(32))
        self._entropy = entropy
        self._clock = clock
        self._life_ms = int(life_s * 1000)
        self._used: OrderedDict[bytes, Millis] = OrderedDict()

    def seal(self, held: Held) -> str:
        """An opaque string for the client."""
        nonce = self._entropy.token(_NONCE)
        expires_at = self._clock.now() + self._life_ms
        text = canonical_bytes([held.run, held.ticket, held.call, held.leg, expires_at])
        sealed = self._aead.encrypt(nonce, text, _PURPOSE)
        return _MARK + base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    def open(self, state: str, *, run: RunId, call: str) -> Held | None:
        """What was sealed for this run and this call; None where it was not, has expired or was opened before."""
        if not state.startswith(_MARK) or not state.isascii():
            return None
        body = state.removeprefix(_MARK).encode()
        try:
            raw = base64.b64decode(body + b"=" * (-len(body) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            return None
        if base64.urlsafe_b64encode(raw).rstrip(b"=") != body:
            return None
        nonce, sealed = raw[:_NONCE], raw[_NONCE:]
        try:
            found_run, ticket, found_call, leg, expires_at = parse_strict(self._aead.decrypt(nonce, sealed, _PURPOSE))
        except (InvalidTag, RequestError, ValueError):
            return None
        if found_run != run or found_call != call or self._clock.now() >= expires_at or not self._first_use(nonce, expires_at):
            return None
        return Held(run, TicketId(ticket), found_call, leg)

    def _first_use(self, nonce: bytes, expires_at: Millis) -> bool:
        now = self._clock.now()
        while self._used and (next(iter(self._used.values())) <= now or len(self._used) >= _REMEMBERED):
            self._used.popitem(last=False)
        if nonce in self._used:
            return False
        self._used[nonce] = expires_at
        return True
