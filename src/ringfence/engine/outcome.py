"""What one call came to. Every enforcement point renders these values; none of them is an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.core.model import Level, Reason, ReasonCode, Ticket


@dataclass(frozen=True, slots=True)
class Returned:
    """The call was executed; this is the server's result."""

    result: Mapping[str, Any]
    entry: str


@dataclass(frozen=True, slots=True)
class ServerFailed:
    """The call was sent and the server answered with an error."""

    code: int
    message: str
    entry: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was sent. `reasons` are for operators; the agent sees the code."""

    level: Level
    reasons: tuple[Reason, ...]
    entry: str | None
    """None where nobody is known to record it for, or nothing can be recorded."""

    @property
    def code(self) -> ReasonCode:
        return self.reasons[0].code if self.reasons else ReasonCode.INTERNAL


@dataclass(frozen=True, slots=True)
class Waiting:
    """A person has to decide first. Calling again with the same arguments, or claiming, executes it once approved."""

    ticket: Ticket
    entry: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """It was allowed, and provably nothing left the gateway."""

    why: str
    entry: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """It was sent and nobody can know whether it took effect. Never retried blindly (I13)."""

    why: str
    entry: str


Outcome = Returned | ServerFailed | Refused | Waiting | NotSent | Ambiguous
