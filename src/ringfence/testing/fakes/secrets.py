"""A place of secrets that a test fills."""

from __future__ import annotations

from collections.abc import Mapping

from ringfence.errors import UnavailableError
from ringfence.ports.secrets import MAX_SECRET_BYTES, LateSecret, Secret, SecretRef


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


def known(value: str) -> LateSecret:
    """A secret that is always there."""

    async def read() -> Secret:
        return Secret(value)

    return read


class KnownValues:
    """Implements `ringfence.ports.secrets.LateValues`. Replace `values` to rotate; None: they cannot be had."""

    def __init__(self, **values: str) -> None:
        self.values: dict[str, str] | None = dict(values)
        self.doubts = 0
        self._names = tuple(values)

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    def fresh(self) -> Mapping[str, str] | None:
        return self.values

    async def read(self) -> Mapping[str, str]:
        if self.values is None:
            raise UnavailableError("the secret `fake:one` is not there")
        return self.values

    def doubt(self) -> None:
        self.doubts += 1
