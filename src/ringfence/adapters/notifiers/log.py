"""Alerts as lines of the process log: always there, whatever else is configured."""

from __future__ import annotations

import logging

from ringfence.ports.notifier import Alert

logger = logging.getLogger("ringfence.alerts")


class LogNotifier:
    def notify(self, alert: Alert) -> None:
        logger.warning("%s: %s (%s)", alert.kind.value, alert.text, alert.path)

    async def close(self) -> None:
        pass
