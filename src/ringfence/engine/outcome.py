"""What one call came to. Every enforcement point renders these values; none of them is an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringfence.core.explaining.rule_class import naming
from ringfence.core.ledger.running_out import RanOut
from ringfence.core.model.ticket import Ticket
from ringfence.core.model.verdict import Level, Reason, ReasonCode


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
    data: Any = None
    """The server's word; an enforcement point bounds it and keeps its own names out of it."""
    withheld: str = ""
    """Why what the server asked for with its error is not passed on; then `data` is None."""


class Held(StrEnum):
    """Why an answer is kept from the agent."""

    INSTRUCTIONS = "instructions"
    SECRET = "secret"
    PERSONAL = "personal"
    UNREADABLE = "unreadable"
    """It could not be scanned."""
    UNTYPED = "untyped"
    """A declared sanitiser's answer is not what its output schema says."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """The call was executed and the server answered, but the answer is not for the agent. It is not kept."""

    why: Held
    entry: str
    facts: Mapping[str, Any]
    """What the log keeps of the answer: digests and sizes."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was sent. `reasons` are for operators; the agent hears the class of `code`."""

    level: Level
    reasons: tuple[Reason, ...]
    entry: str | None
    """None where nobody is known to record it for, or nothing can be recorded."""
    ran_out: RanOut | None = None
    """Of a request to a model: the cap that it would have passed."""

    @property
    def code(self) -> ReasonCode:
        return naming(self.reasons)


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


Outcome = Returned | ServerFailed | Withheld | Refused | Waiting | NotSent | Ambiguous
