"""A place of secrets that a test fills."""

from __future__ import annotations

from ringfence.errors import UnavailableError
from ringfence.ports.secrets import MAX_SECRET_BYTES, Secret, SecretRef


class FakeSecrets:
    """Implements `ringfence.ports.secrets.SecretSource`. `values` may change at any time; `asked` lists every look-up."""

    def __init__(self, **values: str) -> None:
        self.values = dict(values)
        self.asked: list[str] = []

    async def read(self, ref: SecretRef) -> Secret:
        self.asked.append(ref.source)
        value = self.values.get(ref.name, "")
        if not value or len(value.encode()) > MAX_SECRET_BYTES:
            raise UnavailableError(f"the secret {ref} is not there")
        return Secret(value)

    async def close(self) -> None:
        pass
