"""Alerts as lines of the process log: always there, whatever else is configured."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ringfence.ports.notifier import Alert, Receiver, Tried

logger = logging.getLogger("ringfence.alerts")


class LogNotifier:
    def notify(self, alert: Alert) -> None:
        over = " is over" if alert.is_over else ""
        logger.warning("%s%s: %s (%s)", alert.kind.value, over, alert.text, alert.path)

    async def trial(self, alert: Alert) -> Sequence[Tried]:
        self.notify(alert)
        return (Tried("log", True, "written"),)

    def receivers(self) -> Sequence[Receiver]:
        return (Receiver(name="log"),)

    async def close(self) -> None:
        pass
