"""What the gateway's own servers have in common: each serves one tool, changes nothing of it, and is always there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from ringfence.ports.upstream import NOTHING_DECLARED, Described, Health, HealthState, Notice


class OwnServer(ABC):
    """The part of `ports.upstream.Upstream` that is the same for all of them. `call` and `close` are each one's own."""

    def __init__(self, definition: Mapping[str, Any], transport: str) -> None:
        self._definition = definition
        self._transport = transport

    @property
    @abstractmethod
    def under_way(self) -> int:
        """Calls that have not ended."""

    async def describe(self, declared: Mapping[str, Any] = NOTHING_DECLARED) -> Described:
        del declared
        return Described(era="modern", capabilities={"tools": {}}, tools=(self._definition,))

    async def listen(
        self,
        uris: frozenset[str],
        on_notice: Callable[[Notice], None],
        on_listening: Callable[[], None] | None = None,
    ) -> None:
        del uris, on_notice, on_listening

    def health(self) -> Health:
        return Health(state=HealthState.UP, transport=self._transport, running=self.under_way)

    async def forget(self, principal: str) -> None:
        """A run has ended."""
        del principal
