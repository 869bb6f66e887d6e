"""When a run is paused without anybody asking, as the configuration of its agent says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """What ends it for the moment. The name of the key in the configuration."""

    ACTIONS = "actions"
    DESTRUCTIVE = "destructive"
    SUSPICIOUS = "suspicious"
    UNTRUSTED = "untrusted"
    SIGNALS = "signals"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWhen:
    """The conditions of one agent. Each is off unless it is named."""

    actions: int | None = None
    """Calls and requests to models of a run with its child runs: the next one halts it."""
    destructive: bool = False
    """A call that changes what cannot be undone halts the run instead of asking a person."""
    suspicious: bool = False
    """The scan finds something in what a server said."""
    untrusted: bool = False
    """The run is given what strangers may have written, for the first time."""
    signals: frozenset[str] = frozenset()
    """Names of signals that pause its runs."""

    @property
    def in_words(self) -> tuple[str, ...]:
        """For people: `500 actions`, `destructive`, `signal incident`."""
        return (
            *((f"{self.actions} actions",) if self.actions is not None else ()),
            *(one.value for one in (Condition.DESTRUCTIVE, Condition.SUSPICIOUS, Condition.UNTRUSTED) if getattr(self, one)),
            *(f"signal {name}" for name in sorted(self.signals)),
        )


NEVER = StopWhen()
