"""Telling people. A notification carries a link, never arguments."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ringfence.core.model.identifiers import Millis


class AlertKind(StrEnum):
    APPROVAL_WAITING = "approval_waiting"
    LARGE_ACTION_BLOCKED = "large_action_blocked"
    KILL = "kill"
    DRIFT = "drift"
    CAP_NEAR = "cap_near"
    SUSPICIOUS_RESULT = "suspicious_result"
    LABEL_LOWERED = "label_lowered"
    HANDOFF_REFUSED = "handoff_refused"
    STORE_DEGRADED = "store_degraded"
    CONFIG_REJECTED = "config_rejected"
    LOG_DISPUTED = "log_disputed"
    """A witness says that the log was put back or has two histories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What happened, in one sentence without arguments, and where to look."""

    id: str
    """Stable: a receiver dedupes on it."""
    kind: AlertKind
    at: Millis
    text: str
    path: str
    """Path on the control plane, e.g. `/approvals/t_...`; the notifier makes it a link."""
    agent: str = ""
    run: str = ""
    tool: str = ""


class Notifier(Protocol):
    def notify(self, alert: Alert) -> None:
        """Take an alert for delivery and return at once; never raises, never blocks. Delivery is retried and deduped."""
        ...

    async def close(self) -> None:
        """Give what waits one last try, then stop."""
        ...
