"""What every place of secrets keeps. Subclass it in a test file and say how to fill one."""

from __future__ import annotations

from abc import ABC, abstractmethod

import pytest

from ringfence.errors import UnavailableError
from ringfence.ports.secrets import MAX_SECRET_BYTES, SecretRef, SecretSource

CANARY = "s3cr3t-Väl-0001"


class SecretSourceContract(ABC):
    """The promises of `ringfence.ports.secrets.SecretSource`."""

    @abstractmethod
    async def source(self, value: bytes) -> tuple[SecretSource, SecretRef]:
        """A place that holds a value, and where."""

    @abstractmethod
    async def nothing(self) -> tuple[SecretSource, SecretRef]:
        """A place, and a reference to what it does not hold."""

    async def test_it_gives_what_it_holds(self) -> None:
        source, ref = await self.source(CANARY.encode())
        assert (await source.read(ref)).reveal() == CANARY
        await source.close()

    async def test_a_read_gives_the_same_twice(self) -> None:
        source, ref = await self.source(CANARY.encode())
        assert await source.read(ref) == await source.read(ref)
        await source.close()

    async def test_what_is_not_there_is_unavailable_and_named(self) -> None:
        source, ref = await self.nothing()
        with pytest.raises(UnavailableError) as failed:
            await source.read(ref)
        assert ref.source in str(failed.value)
        await source.close()

    @pytest.mark.parametrize("value", [b"", CANARY.encode() * (MAX_SECRET_BYTES // len(CANARY.encode()) + 1)])
    async def test_what_is_empty_or_too_large_is_unavailable_and_never_quoted(self, value: bytes) -> None:
        source, ref = await self.source(value)
        with pytest.raises(UnavailableError) as failed:
            await source.read(ref)
        assert CANARY not in failed.value.diagnostics()
        await source.close()

    async def test_letting_go_twice_is_harmless(self) -> None:
        source, _ = await self.source(CANARY.encode())
        await source.close()
        await source.close()
