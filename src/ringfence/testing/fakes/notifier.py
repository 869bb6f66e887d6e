"""A notifier that remembers what it was told."""

import asyncio
from collections.abc import Sequence

from ringfence.ports.notifier import Alert, AlertKind, Receiver, Tried


class FakeNotifier:
    """Implements `ringfence.ports.notifier.Notifier`."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.closed = False
        self.is_deaf = False
        """Nothing that is tried arrives."""
        self._changed = asyncio.Event()

    def notify(self, alert: Alert) -> None:
        self.alerts.append(alert)
        self._changed.set()

    async def trial(self, alert: Alert) -> Sequence[Tried]:
        self.notify(alert)
        return (Tried("fake", not self.is_deaf, "503" if self.is_deaf else "remembered"),)

    def receivers(self) -> Sequence[Receiver]:
        return (Receiver(name="fake", delivered=len(self.alerts)),)

    async def until(self, kind: AlertKind, count: int = 1) -> None:
        """Return when so many alerts of one kind have been given."""
        while len(self.of(kind)) < count:
            self._changed.clear()
            await self._changed.wait()

    async def close(self) -> None:
        self.closed = True

    def of(self, kind: AlertKind) -> list[Alert]:
        """The alerts of one kind, oldest first, without the words of their ends."""
        return [alert for alert in self.alerts if alert.kind is kind and not alert.is_over]

    def ends(self) -> list[Alert]:
        """The alerts that say that something is over, oldest first."""
        return [alert for alert in self.alerts if alert.is_over]
