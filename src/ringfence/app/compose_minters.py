"""Wires the systems that credentials are minted in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from ringfence.adapters.minters.postgres import PostgresMinter
from ringfence.engine.secret_book import SecretBook
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy
from ringfence.ports.minter import Minter
from ringfence.ports.secrets import SecretRef


class Minters:
    """One minter for each name and address, kept over reloads: it knows which of its credentials are in use."""

    def __init__(self, gateway: bytes, secrets: SecretBook, clock: Clock, entropy: Entropy) -> None:
        """`gateway` tells this gateway from others that mint in the same place; the same after a restart."""
        self._gateway = gateway
        self._secrets = secrets
        self._clock = clock
        self._entropy = entropy
        self._made: dict[tuple[str, SecretRef], Minter] = {}

    def of(self, settings: Mapping[str, SecretRef]) -> Mapping[str, Minter]:
        """The minters of a configuration, by name."""
        self._made = {(name, ref): self._made.get((name, ref)) or self._make(name, ref) for name, ref in settings.items()}
        return {name: minter for (name, _), minter in self._made.items()}

    def _make(self, name: str, ref: SecretRef) -> Minter:
        instance = hashlib.sha256(self._gateway + name.encode()).hexdigest()
        return PostgresMinter(self._secrets.late(ref), instance, self._clock, self._entropy)
