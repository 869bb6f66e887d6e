"""The state that a waiting client carries back: sealed, short-lived, used once. The ladder and the rounds share it.

Source: MCP 2026-07-28, multi round-trip requests.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from ringfence.adapters.pep.mcp_gateway.seal import Seal
from ringfence.core.model.identifiers import Millis, RunId, TicketId
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy

_REMEMBERED = 50_000
"""Used states kept in mind. Beyond it the oldest may be used again, which only lets a client wait a little longer."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a waiting call comes back with."""

    run: RunId
    ticket: TicketId
    """What a person decides on; empty where the client itself was asked."""
    call: str
    """Digest of endpoint, method, name and arguments."""
    leg: int
    """How many times the client has been asked to come back."""
    round: str = ""
    """The suspended call that waits for the client's answers."""


class StateSeal:
    """Seals and opens `requestState`."""

    def __init__(self, entropy: Entropy, clock: Clock, life_s: float) -> None:
        self._seal = Seal(entropy, "requestState")
        self._clock = clock
        self._life_ms = int(life_s * 1000)
        self._used: OrderedDict[bytes, Millis] = OrderedDict()

    def seal(self, held: Held) -> str:
        """An opaque string for the client."""
        expires_at = self._clock.now() + self._life_ms
        return self._seal.seal(held.run, held.ticket, held.call, held.leg, held.round, expires_at)

    def open(self, state: str, *, run: RunId, call: str) -> Held | None:
        """What was sealed for this run and this call; None where it was not, has expired or was opened before."""
        opened = self._seal.open(state)
        if opened is None:
            return None
        nonce, (found_run, ticket, found_call, leg, suspended, expires_at) = opened
        if found_run != run or found_call != call or self._clock.now() >= expires_at or not self._first_use(nonce, expires_at):
            return None
        return Held(run, TicketId(ticket), found_call, leg, suspended)

    def _first_use(self, nonce: bytes, expires_at: Millis) -> bool:
        now = self._clock.now()
        while self._used and (next(iter(self._used.values())) <= now or len(self._used) >= _REMEMBERED):
            self._used.popitem(last=False)
        if nonce in self._used:
            return False
        self._used[nonce] = expires_at
        return True
