"""Secrets in the gateway's own environment: `env:NAME`."""

from __future__ import annotations

from collections.abc import Mapping

from ringfence.adapters.secrets.text import secret_of
from ringfence.errors import UnavailableError
from ringfence.ports.secrets import Secret, SecretRef


class EnvironmentSecrets:
    """Implements `ports.secrets.SecretSource`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    async def read(self, ref: SecretRef) -> Secret:
        found = self._environment.get(ref.name, "")
        if not found:
            raise UnavailableError(
                f"the secret {ref} is not set", remedy=f"set the environment variable {ref.name} before starting"
            )
        return secret_of(ref, found.encode("utf-8", "surrogateescape"))

    async def close(self) -> None:
        pass
