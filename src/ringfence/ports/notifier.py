"""Telling people. A notification carries links and commands, never arguments."""

from collections.abc import Sequence
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
    LOOPING = "looping"
    """A run goes in circles."""
    BURN_RATE = "burn_rate"
    """Models cost far more than they did in the tree's own past."""
    SUSPICIOUS_RESULT = "suspicious_result"
    SECRET_IN_REQUEST = "secret_in_request"
    """An agent sent a credential towards a model: masked, refused or let through, as the operator wants it."""
    PROMPT_CHANGED = "prompt_changed"
    """An agent's system prompt is not that of its earlier runs."""
    TOOLS_CHANGED = "tools_changed"
    LABEL_LOWERED = "label_lowered"
    HANDOFF_REFUSED = "handoff_refused"
    STORE_DEGRADED = "store_degraded"
    CONFIG_REJECTED = "config_rejected"
    LOG_DISPUTED = "log_disputed"
    """A witness says that the log was put back or has two histories."""
    TEST = "test"
    """Sent because an operator asked whether alerts arrive."""


class Deed(StrEnum):
    """What a person may want to do about an alert."""

    RAISE = "raise"
    """Add to the cap that it is about."""
    KILL = "kill"
    """End the run that it is about."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that can be done about an alert. Following the path does nothing yet: people act there, logged in."""

    deed: Deed
    path: str
    """Path on the control plane."""
    command: str
    """The same on the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What happened, in one sentence without arguments, where to look, and what can be done."""

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
    about: str = ""
    """The condition: what an alert and the word of its end have in common. Empty: the alert's own id."""
    is_over: bool = False
    """The condition has ended; `text` says how."""
    acts: tuple[Act, ...] = ()
    is_grave: bool = False
    """More than others of its kind: a cap that is used up, not one that is near."""

    @property
    def condition(self) -> str:
        return self.about or self.id


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a test alert at one receiver."""

    receiver: str
    """Which one, in words without a secret."""
    arrived: bool
    answer: str
    """What it said, or why nothing came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Who is told, and how that went since the gateway began to tell it."""

    name: str
    """Which one, in words without a secret."""
    kinds: tuple[AlertKind, ...] = ()
    """What it asked for; empty: everything."""
    waiting: int = 0
    delivered: int = 0
    lost: int = 0
    """Refused, given up, or pushed out by newer ones."""
    last: str = ""
    """What it said last, or why nothing came of the last try."""
    last_at: Millis | None = None


class Notifier(Protocol):
    def notify(self, alert: Alert) -> None:
        """Take an alert for delivery and return at once; never raises, never blocks. Delivery is retried and deduped."""
        ...

    async def trial(self, alert: Alert) -> Sequence[Tried]:
        """Tell every receiver once, at once, whatever kinds it asked for, and say what each answered. Never raises."""
        ...

    def receivers(self) -> Sequence[Receiver]:
        """Everybody that it tells."""
        ...

    async def close(self) -> None:
        """Give what waits one last try, then stop."""
        ...
