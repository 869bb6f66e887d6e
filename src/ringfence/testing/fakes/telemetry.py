"""Telemetry that remembers what it was told."""

from typing import TypeVar

from ringfence.core.telemetry.events import Event

E = TypeVar("E", bound=Event)


class FakeTelemetry:
    """Implements `ringfence.ports.telemetry.Telemetry`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.closed = False

    def tell(self, event: Event) -> None:
        self.events.append(event)

    async def close(self) -> None:
        self.closed = True

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind, oldest first."""
        return [event for event in self.events if isinstance(event, kind)]
