"""Names for new things: unguessable, short enough to read out on the telephone."""

from __future__ import annotations

import base64

from ringfence.core.model.identifiers import CallId, RunId, TicketId
from ringfence.ports.entropy import Entropy

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(one + other for one in _ALPHABET for other in _ALPHABET)
_SHIFTS = range(70, -1, -10)
"""Base 32 in lower case (RFC 4648, section 6), two characters at a time: every call gets an id."""


class Ids:
    """Identifiers with 80 bits of randomness, and credentials with 256."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def run(self) -> RunId:
        return RunId(f"r_{self._short()}")

    def call(self) -> CallId:
        return CallId(f"c_{self._short()}")

    def ticket(self) -> TicketId:
        return TicketId(f"t_{self._short()}")

    def stop(self) -> str:
        return f"s_{self._short()}"

    def alert(self) -> str:
        return f"a_{self._short()}"

    def run_credential(self) -> str:
        return f"rfr_{self._long()}"

    def operator_credential(self) -> str:
        return f"rfo_{self._long()}"

    def box(self) -> str:
        """Of the listener of a box."""
        return self._long()

    def _short(self) -> str:
        number = int.from_bytes(self._entropy.token(10), "big")
        return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])

    def _long(self) -> str:
        return base64.urlsafe_b64encode(self._entropy.token(32)).rstrip(b"=").decode()
