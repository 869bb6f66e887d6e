"""Wires the systems that credentials are minted in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from ringfence.adapters.minters.aws_sts import StsMinter, StsOptions
from ringfence.adapters.minters.postgres import PostgresMinter
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.ports.clock import Clock
from ringfence.ports.entropy import Entropy
from ringfence.ports.minter import AwsAccount, Minter, MinterPlace
from ringfence.ports.secrets import Secret


class Minters:
    """One minter for each name and address, kept over reloads: it knows which of its credentials are in use."""

    def __init__(self, gateway: bytes, secrets: SecretBook, clock: Clock, entropy: Entropy) -> None:
        """`gateway` tells this gateway from others that mint in the same place; the same after a restart."""
        self._gateway = gateway
        self._secrets = secrets
        self._clock = clock
        self._entropy = entropy
        self._made: dict[tuple[str, MinterPlace], Minter] = {}

    def of(self, settings: Mapping[str, MinterPlace]) -> Mapping[str, Minter]:
        """The minters of a configuration, by name."""
        self._made = {key: self._made.get(key) or self._make(*key) for key in settings.items()}
        return {name: minter for (name, _), minter in self._made.items()}

    def _make(self, name: str, place: MinterPlace) -> Minter:
        if isinstance(place, AwsAccount):
            return self._sts(place)
        instance = hashlib.sha256(self._gateway + name.encode()).hexdigest()
        return PostgresMinter(self._secrets.late(place), instance, self._clock, self._entropy)

    def _sts(self, account: AwsAccount) -> Minter:
        read = self._secrets.read

        async def credential() -> tuple[Secret, Secret, Secret | None]:
            token = None if account.token is None else await read(account.token)
            return await read(account.key_id), await read(account.secret), token

        options = StsOptions(
            region=account.region,
            endpoint=account.endpoint,
            credential=credential,
            source_identity=account.source_identity,
            tags=account.tags,
        )
        return StsMinter(options, self._clock)
