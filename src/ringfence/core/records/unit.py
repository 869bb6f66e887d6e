"""A unit of work: entries and state changes that become durable together or not at all.

Every change states its precondition. A store applies a unit only when all of them hold, in one transaction; otherwise it
answers with a `Conflict` and nothing has happened.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.core.definitions.pins import Pin
from ringfence.core.model.grant import WIDEST_TREE, SpawnCaps
from ringfence.core.model.handoff import Handoff
from ringfence.core.model.identifiers import CallId, Digest, Millis, OperatorName, RunId, TicketId
from ringfence.core.model.label import Label
from ringfence.core.model.meter import Charge, MeterKind
from ringfence.core.model.operator import Operator
from ringfence.core.model.run import Credential, Run
from ringfence.core.model.stop import Stop
from ringfence.core.model.ticket import Ticket, TicketState, Vote
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.model.words import Words
from ringfence.core.records.entry import Entry


@dataclass(frozen=True, slots=True)
class OpenRun:
    """The id is new; every run above is open and has not expired; and the tree stays within its caps with it."""

    run: Run
    credential: Credential | None
    caps: SpawnCaps = WIDEST_TREE


@dataclass(frozen=True, slots=True)
class CloseRun:
    """The run is open. Its credentials are revoked with it."""

    run: RunId
    at: Millis = 0


@dataclass(frozen=True, slots=True)
class PutCredential:
    """A further credential of an open run (renewal, reset of a standing run)."""

    credential: Credential


@dataclass(frozen=True, slots=True)
class ExtendRun:
    """The run is open, and every run above it; its expiry, and that of the named credential, move."""

    run: RunId
    credential_hash: str
    expires_at: Millis


@dataclass(frozen=True, slots=True)
class Reserve:
    """Hold one call for the run and each ancestor, and what it may cost on every meter that it is charged to.

    Precondition: committed plus reserved stays within every cap given, with what operators have added to it. The run's label is
    joined with what the call may bring in the same step, whatever it was when the call was decided.
    """

    call: CallId
    entry_tool: str
    caps: tuple[tuple[RunId, int | None], ...]
    """The run and its ancestors, each with its cap in calls (None: no cap)."""
    charges: tuple[Charge, ...] = ()
    """Each on a meter of its own."""
    at: Millis = 0
    brings: Label | None = None
    """The label of what its answer may bring; None: nothing that raises any."""
    counts: bool = True
    """Whether it is one of the runs' calls. Requests to models have meters of their own."""


@dataclass(frozen=True, slots=True)
class Settle:
    """The call was sent, or nobody can know that it was not: what it held is spent. Precondition: it is held."""

    call: CallId
    at: Millis = 0
    actual: tuple[tuple[str, int], ...] = ()
    """What it cost on the meters whose price is known only now; on every other one what it held."""


@dataclass(frozen=True, slots=True)
class Release:
    """The call was provably not sent: what it held is given back. Precondition: it is held."""

    call: CallId
    at: Millis = 0


@dataclass(frozen=True, slots=True)
class Raise:
    """An operator adds to a cap of one run, for as long as it lives.

    Precondition: the run is open and has that cap; and what it may then still use is no more than any run above it still may.
    """

    run: RunId
    kind: MeterKind | None
    """None: its calls."""
    by: int
    caps: tuple[tuple[str, int | None], ...]
    """The run's own account or meter first, then those of the runs above it, each with its configured cap."""
    at: Millis = 0


@dataclass(frozen=True, slots=True)
class Prune:
    """Forget what says nothing any more (`core.records.retention`). Always holds."""

    at: Millis


@dataclass(frozen=True, slots=True)
class AddTicket:
    """Precondition: the id is new and no ticket with the same digest is pending."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class CastVote:
    """Precondition: pending, not expired at `vote.at`, the operator has not voted on it yet.

    The state that follows is computed by `core.approvals.approval.after_vote`: one denial denies, the quorum approves.
    """

    ticket: TicketId
    vote: Vote


@dataclass(frozen=True, slots=True)
class MoveTicket:
    """Precondition: the ticket is in one of `expected`; moves along `core.approvals.approval.MOVES` only."""

    ticket: TicketId
    expected: frozenset[TicketState]
    to: TicketState
    at: Millis
    why: str


@dataclass(frozen=True, slots=True)
class AddStop:
    """Always holds: a stop is never refused."""

    stop: Stop


@dataclass(frozen=True, slots=True)
class LiftStop:
    """Precondition: the stop is in force."""

    stop_id: str
    at: Millis = 0
    """Of a pause: from when on the time of runs counts again. 0: it has counted all the time."""


@dataclass(frozen=True, slots=True)
class PutOperator:
    """Adds or replaces an operator. Precondition for `new`: the name is free."""

    operator: Operator
    new: bool


@dataclass(frozen=True, slots=True)
class RemoveOperator:
    """Precondition: it exists and is not the last admin."""

    name: OperatorName


@dataclass(frozen=True, slots=True)
class PutPin:
    """Adds or replaces a pin. Precondition: the digest at its place is `expected`; None: nothing is pinned there yet."""

    pin: Pin
    expected: Digest | None


@dataclass(frozen=True, slots=True)
class JoinLabel:
    """A run is given data of this label. Precondition: the run is known. A label never falls by it.

    The label of its agent's place rises with it: whoever opens another run of the agent may bring along what this one has read.
    """

    run: RunId
    label: Label


@dataclass(frozen=True, slots=True)
class LowerLabel:
    """An operator answers for what a run was given.

    Precondition: the run is open, its own label is still `expected`, and nothing is under way that may bring more than `to`.
    """

    run: RunId
    to: Label
    expected: Label


@dataclass(frozen=True, slots=True)
class JoinPlace:
    """Data of this label is kept where it outlives runs (`core.model.label`). Always holds; a label never falls by it."""

    place: str
    label: Label


@dataclass(frozen=True, slots=True)
class LowerPlace:
    """An operator answers for what is kept there.

    Precondition: its label is still `expected`, and nothing is under way that may bring more than `to` there.
    """

    place: str
    to: Label
    expected: Label


@dataclass(frozen=True, slots=True)
class AddWords:
    """Somebody who may steer a run says something to it.

    Precondition: the run is open, was told less than `WORDS_MOST` times, and no more than `WORDS_ROOM` characters with this.
    """

    run: RunId
    words: Words


@dataclass(frozen=True, slots=True)
class PutHandoff:
    """A run hands its result to the run above it.

    Precondition: it is open and a child of that run, has handed nothing over yet, and its tree and all trees keep no more than
    `HANDED_ROOM` and `HANDED_MOST`. Its label is joined with all that the run and those above it have been given by then.
    """

    handoff: Handoff


HANDED_ROOM = 8 * 1024 * 1024
"""Bytes of results that are kept for one tree of runs."""
HANDED_MOST = 128 * 1024 * 1024
"""Bytes of results that are kept for all of them."""
WORDS_MOST = 200
"""How often one run may be told something."""
WORDS_ROOM = 100_000
"""Characters that one run may be told, besides its task."""


Change = (
    OpenRun
    | CloseRun
    | PutCredential
    | ExtendRun
    | Reserve
    | Settle
    | Release
    | Raise
    | Prune
    | AddTicket
    | CastVote
    | MoveTicket
    | AddStop
    | LiftStop
    | PutOperator
    | RemoveOperator
    | PutPin
    | JoinLabel
    | LowerLabel
    | JoinPlace
    | LowerPlace
    | AddWords
    | PutHandoff
)


@dataclass(frozen=True, slots=True)
class Unit:
    """What becomes durable together, in this order."""

    entries: tuple[Entry, ...]
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """A precondition did not hold; nothing was applied."""

    code: ReasonCode | None
    """Set where the agent's call is what was refused (`call_cap`, `rate_limit` and the like)."""
    detail: str
