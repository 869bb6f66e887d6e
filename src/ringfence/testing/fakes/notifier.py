"""A notifier that remembers what it was told."""

from ringfence.ports.notifier import Alert, AlertKind


class FakeNotifier:
    """Implements `ringfence.ports.notifier.Notifier`."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.closed = False

    def notify(self, alert: Alert) -> None:
        self.alerts.append(alert)

    async def close(self) -> None:
        self.closed = True

    def of(self, kind: AlertKind) -> list[Alert]:
        """The alerts of one kind, oldest first."""
        return [alert for alert in self.alerts if alert.kind is kind]
