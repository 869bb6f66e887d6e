"""What the campaign does: every point of every kind of work, and why some points do not occur in some kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ringfence.core.model.stop import ScopeKind
from ringfence.engine.steps import Step
from ringfence.testing.crashing import BEFORE_COMMIT, COMMITTED, STORE_POINTS, SYNCED


class Kind(StrEnum):
    """What is under way when the process is killed."""

    READ = "read"
    """Of public data: sent at once, its result waits for the journal."""
    REGULATED_READ = "regulated read"
    """Sent only when its entry is durable."""
    WRITE = "reversible write"
    ASK = "ask"
    """An irreversible write that nobody has approved yet."""
    CLAIM = "claim"
    """An irreversible write, approved, claimed by its ticket."""
    RETRY = "retry"
    """The same, claimed by repeating the identical call."""
    HELD = "held"
    """The same, approved while its client still waits for the answer."""
    VOTE = "vote"
    HALF_VOTE = "half vote"
    """The first of two that are needed."""
    DENIAL = "denial"
    KILL = "kill"


class Transport(StrEnum):
    """How the gateway reaches the upstream server."""

    HTTP = "http"
    STDIO = "stdio"


Reasons = Mapping[Step, str]

ASKING: tuple[Step, ...] = (Step.IDENTIFY, Step.FACTS, Step.DECIDE, Step.RECORD, Step.DURABLE)
SENDING: tuple[Step, ...] = (Step.SEND, Step.SENT, Step.ANSWER, Step.SETTLE, Step.JOURNAL, Step.REPLY)
VOTING: tuple[Step, ...] = (Step.VOTE, Step.VOTED)
STOPPING: tuple[Step, ...] = (Step.STOP, Step.STOPPED)

_NO_VOTE: Reasons = dict.fromkeys(VOTING, "nobody votes here")
_NO_STOP: Reasons = dict.fromkeys(STOPPING, "nobody stops anything here")
_NO_CALL: Reasons = dict.fromkeys((*ASKING, *SENDING), "no call is under way here")
_NO_SENDING: Reasons = dict.fromkeys(SENDING, "nothing is sent before a person has decided")
_NO_PEOPLE: Reasons = {**_NO_VOTE, **_NO_STOP}

CANNOT_OCCUR: Mapping[Kind, Reasons] = {
    Kind.READ: {Step.DURABLE: "a read of public data does not wait for the fsync", **_NO_PEOPLE},
    Kind.REGULATED_READ: _NO_PEOPLE,
    Kind.WRITE: _NO_PEOPLE,
    Kind.ASK: {**_NO_SENDING, **_NO_PEOPLE},
    Kind.CLAIM: _NO_PEOPLE,
    Kind.RETRY: _NO_PEOPLE,
    Kind.HELD: _NO_STOP,
    Kind.VOTE: {**_NO_CALL, **_NO_STOP},
    Kind.HALF_VOTE: {**_NO_CALL, **_NO_STOP},
    Kind.DENIAL: {**_NO_CALL, **_NO_STOP},
    Kind.KILL: {**_NO_CALL, **_NO_VOTE},
}
"""The steps that legitimately cannot be reached, with the reason. Every other step of every kind has to be."""

TRANSACTIONS = {Kind.READ: 2, Kind.REGULATED_READ: 2, Kind.WRITE: 2, Kind.CLAIM: 2, Kind.RETRY: 2, Kind.HELD: 3}
"""Transactions of one piece of work, where there is more than one: (the vote,) the decision, the outcome."""
TWICE = (Kind.READ, Kind.WRITE, Kind.CLAIM)
"""Kinds that are also crashed in their second call, and over stdio."""


@dataclass(frozen=True, slots=True)
class Case:
    """One process that is killed once."""

    kind: Kind
    point: str
    count: int = 1
    """The process dies the so-many-th time that the point is reached."""
    calls: int = 1
    """So many calls are made; the last is the one that dies."""
    transport: Transport = Transport.HTTP
    scope: ScopeKind = ScopeKind.EVERYTHING
    """Of a kill."""

    def __str__(self) -> str:
        parts = [self.kind.value, f"at {self.point}"]
        if self.count > 1:
            parts.append(f"no. {self.count}")
        if self.calls > 1:
            parts.append("in its second call")
        if self.transport is Transport.STDIO:
            parts.append("over stdio")
        if self.kind is Kind.KILL:
            parts.append(f"of {self.scope.value}")
        return " ".join(parts)


def every_case() -> Iterator[Case]:
    """The whole campaign."""
    for kind in Kind:
        for scope in ScopeKind if kind is Kind.KILL else (ScopeKind.EVERYTHING,):
            for step in steps_of(kind):
                yield Case(kind, step.value, scope=scope)
            for point in STORE_POINTS:
                shared = kind is Kind.READ and point != BEFORE_COMMIT  # its two transactions wait for one fsync together
                for count in range(1, 2 if shared else TRANSACTIONS.get(kind, 1) + 1):
                    yield Case(kind, point, count, scope=scope)
    for kind in TWICE:
        for step in steps_of(kind):
            yield Case(kind, step.value, 2, calls=2)
        # How many fsyncs two calls share is the writer's affair, so only the transactions are counted on.
        yield Case(kind, BEFORE_COMMIT, 3, calls=2)
        yield Case(kind, BEFORE_COMMIT, 4, calls=2)
        for step in steps_of(kind):
            yield Case(kind, step.value, transport=Transport.STDIO)
        for point in (BEFORE_COMMIT, COMMITTED, SYNCED):
            yield Case(kind, point, transport=Transport.STDIO)


def steps_of(kind: Kind) -> tuple[Step, ...]:
    """The steps that have to be reached."""
    return tuple(step for step in Step if step not in CANNOT_OCCUR[kind])
