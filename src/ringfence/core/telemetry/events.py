"""What can be told to charts and traces. There is no place in here for an argument, a result, a prompt or a reason's words.

Names are those of the configuration (`core.telemetry.names`); ids are the gateway's own; times are milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ringfence.core.explaining.rule_class import RuleClass
from ringfence.core.model.identifiers import CallId, Millis, RunId, TicketId
from ringfence.core.model.stop import ScopeKind, StopMode


class Ending(StrEnum):
    """What came of a call that was allowed."""

    RETURNED = "returned"
    FAILED = "failed"
    """It was executed and the answer is an error, the server's or the tool's."""
    WITHHELD = "withheld"
    """It was executed, and the answer is not for the agent."""
    NOT_SENT = "failed_not_sent"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Remote:
    """The span of a client's that a call belongs to, by its own word (W3C Trace Context). Hexadecimal."""

    trace: str
    span: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAsked:
    """What a request to a model asks for."""

    act: str
    model: str
    upstream: str
    max_tokens: int
    stream: bool
    most_micro: int = 0
    """The most that it can use, as the meters hold it."""
    most_in: int = 0
    most_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsed:
    """What its answer used."""

    model: str
    """Who answered; else who was asked."""
    end: str
    """How the answer ended, in a word of the gateway's."""
    status: int
    """0: there was none."""
    micro: int
    """Millionths of a dollar."""
    tokens_in: int
    tokens_out: int
    kinds: Mapping[str, int] = field(default_factory=dict[str, int])
    """Tokens by kind, where the answer told them."""
    stop_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A call was decided, and the decision recorded."""

    at: Millis
    entry: str
    call: CallId
    run: RunId
    root: RunId
    """The first run of its tree."""
    agent: str
    tool: str
    method: str
    """What it is to MCP (`tools/call`, `resources/read`); empty: it did not come over MCP."""
    level: str
    """`allow`, `ask`, `deny` or `halt`."""
    code: str = ""
    """The reason that names it, where it is not allowed."""
    rule: RuleClass | None = None
    ticket: TicketId | None = None
    """That it waits for, or that it uses up."""
    remote: Remote | None = None
    asked: ModelAsked | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A call that was allowed came to its recorded end."""

    at: Millis
    entry: str
    call: CallId
    agent: str
    tool: str
    ending: Ending
    decided: Decided | None
    """None: another process decided it."""
    stopped: bool = False
    code: int | None = None
    """Of the error that the server answered with."""
    used: ModelUsed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """A ticket is pending no longer."""

    at: Millis
    since: Millis
    ticket: TicketId
    call: CallId
    """That made it."""
    run: RunId
    root: RunId
    agent: str
    tool: str
    state: str
    """`approved`, `denied`, `expired` or `withdrawn`."""
    decided: Decided | None
    """The decision that it comes from, where this process made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBegan:
    at: Millis
    run: RunId
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    at: Millis
    since: Millis
    run: RunId
    root: RunId
    parent: RunId | None
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSet:
    """A kill, a pause or a disabling is in force."""

    at: Millis
    stop: str
    mode: StopMode
    scope: ScopeKind
    target: str
    root: RunId | None = None
    """Of the run that it stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLifted:
    at: Millis
    stop: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry was written to the log."""

    kind: str


Event = Decided | Ended | Waited | RunBegan | RunEnded | StopSet | StopLifted | Recorded
