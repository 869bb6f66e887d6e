"""A server that is configured but cannot be reached for a reason known at start, such as a missing secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ringfence.errors import UnavailableError
from ringfence.ports.upstream import NOTHING_DECLARED, Described, Health, HealthState, Notice, NotSent, Reply, Sending


class MissingUpstream:
    """Stops only what needs it: its tools do not exist, everything else goes on."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def describe(self, declared: Mapping[str, Any] = NOTHING_DECLARED) -> Described:
        del declared
        raise UnavailableError(self._why)

    async def listen(
        self,
        uris: frozenset[str],
        on_notice: Callable[[Notice], None],
        on_listening: Callable[[], None] | None = None,
    ) -> None:
        del uris, on_notice

    async def call(self, sending: Sending) -> Reply:
        del sending
        return NotSent(self._why)

    def health(self) -> Health:
        return Health(state=HealthState.UNUSABLE, error=self._why)

    async def forget(self, principal: str) -> None:
        pass

    async def close(self) -> None:
        pass
