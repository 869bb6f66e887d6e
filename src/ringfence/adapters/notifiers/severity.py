"""How grave an alert is, for receivers that rank what they get. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ringfence.ports.notifier import Alert, AlertKind


class Severity(StrEnum):
    """The words of PagerDuty's common event format (PD-CEF)."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


_OF_KINDS: Final = {
    AlertKind.STORE_DEGRADED: Severity.CRITICAL,
    AlertKind.LOG_DISPUTED: Severity.CRITICAL,
    AlertKind.KILL: Severity.ERROR,
    AlertKind.LARGE_ACTION_BLOCKED: Severity.ERROR,
    AlertKind.DRIFT: Severity.ERROR,
    AlertKind.CONFIG_REJECTED: Severity.ERROR,
    AlertKind.LABEL_LOWERED: Severity.INFO,
    AlertKind.TEST: Severity.INFO,
}


def severity_of(alert: Alert) -> Severity:
    """A warning where nothing else is said."""
    if alert.is_grave:
        return Severity.ERROR
    return _OF_KINDS.get(alert.kind, Severity.WARNING)
