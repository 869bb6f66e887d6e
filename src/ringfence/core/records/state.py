"""The durable state as a value machine: what a unit of work changes, and when it is refused.

Stores keep it: the memory store is nothing else, an embedded store mirrors it, and a shared database enforces the same
preconditions in SQL. Pure: no I/O; `check` never changes anything, `commit` never refuses.

INVARIANT: for every account, spent + held <= cap at every `Reserve` that was accepted (I7).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import assert_never

from ringfence.core.approvals.approval import LIVE, after_vote, moved
from ringfence.core.definitions.pins import Pin
from ringfence.core.ledger.moves import is_of_run, refusal, release, reserve, run_of, settle, used_of
from ringfence.core.ledger.shortfall import CAP_CODES, in_units, in_words
from ringfence.core.model.grant import SpawnCaps
from ringfence.core.model.handoff import Handoff
from ringfence.core.model.identifiers import CallId, Digest, Millis, OperatorName, RunId, TicketId
from ringfence.core.model.label import CLEAN, Label, agent_place, is_memory, join_all, server_of_memory
from ringfence.core.model.meter import AT_ONCE, Charge, Meter
from ringfence.core.model.operator import Operator, Role
from ringfence.core.model.pause import Pause, ended, forgotten
from ringfence.core.model.run import Credential, Run, RunState
from ringfence.core.model.stop import Reach, Stop, covers
from ringfence.core.model.ticket import Ticket, TicketState
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.records.retention import prunable
from ringfence.core.records.unit import (
    HANDED_MOST,
    HANDED_ROOM,
    WORDS_MOST,
    WORDS_ROOM,
    AddStop,
    AddTicket,
    AddWords,
    CastVote,
    Change,
    CloseRun,
    Conflict,
    ExtendRun,
    JoinLabel,
    JoinPlace,
    LiftStop,
    LowerLabel,
    LowerPlace,
    MoveTicket,
    OpenRun,
    Prune,
    PutCredential,
    PutHandoff,
    PutOperator,
    PutPin,
    Raise,
    Release,
    RemoveOperator,
    Reserve,
    Settle,
    Unit,
)


@dataclass(slots=True)
class Account:
    """Calls of one run with its subtree."""

    held: int = 0
    spent: int = 0
    extra: int = 0
    """What an operator has added to the cap."""


@dataclass(frozen=True, slots=True)
class Hold:
    """An allowed call whose outcome is not recorded yet."""

    call: CallId
    tool: str
    runs: tuple[RunId, ...]
    """The run and its ancestors."""
    charges: tuple[Charge, ...] = ()
    """What it holds on meters."""
    brings: Label | None = None
    """The label of what its answer may bring."""
    counts: bool = True
    """Whether it is one of its runs' calls."""


@dataclass(slots=True)
class State:
    """Everything but the log."""

    runs: dict[RunId, Run] = field(default_factory=dict[RunId, Run])
    credentials: dict[str, Credential] = field(default_factory=dict[str, Credential])
    accounts: dict[RunId, Account] = field(default_factory=dict[RunId, Account])
    holds: dict[CallId, Hold] = field(default_factory=dict[CallId, Hold])
    meters: dict[str, Meter] = field(default_factory=dict[str, Meter])
    """By `Charge.meter`. One that would say no more than a new one is not kept."""
    tickets: dict[TicketId, Ticket] = field(default_factory=dict[TicketId, Ticket])
    stops: dict[str, Stop] = field(default_factory=dict[str, Stop])
    pauses: dict[str, Pause] = field(default_factory=dict[str, Pause])
    """Those that are over, in the order in which they ended."""
    operators: dict[OperatorName, Operator] = field(default_factory=dict[OperatorName, Operator])
    pins: dict[str, Pin] = field(default_factory=dict[str, Pin])
    """By `Pin.id`."""
    labels: dict[str, Label] = field(default_factory=dict[str, Label])
    """Of what outlives runs, by place. One that says nothing is not kept."""
    handoffs: dict[RunId, Handoff] = field(default_factory=dict[RunId, Handoff])
    """What runs have handed to those above them, by the run whose it was."""
    newest_ticket: dict[Digest, TicketId] = field(default_factory=dict[Digest, TicketId])
    """Derived: the newest ticket of each digest."""
    live_tickets: dict[RunId, set[TicketId]] = field(default_factory=dict[RunId, set[TicketId]])
    """Derived: pending and approved tickets of each run."""
    run_credentials: dict[RunId, set[str]] = field(default_factory=dict[RunId, set[str]])
    """Derived: the hashes of each run's credentials, so that closing one run does not look through all of them."""
    run_meters: dict[RunId, set[str]] = field(default_factory=dict[RunId, set[str]])
    """Derived: the meters that live as long as each run."""
    children: dict[RunId, set[RunId]] = field(default_factory=dict[RunId, set[RunId]])
    """Derived: the open children of each run."""
    trees: dict[RunId, set[RunId]] = field(default_factory=dict[RunId, set[RunId]])
    """Derived: the open runs below each root."""
    owing: dict[RunId, set[RunId]] = field(default_factory=dict[RunId, set[RunId]])
    """Derived: the known children of each run, open or not, that have a schema for what they hand over."""
    handed: dict[RunId, int] = field(default_factory=dict[RunId, int])
    """Derived: bytes of results that are kept for the tree below each root."""

    def stops_on(self, reach: Reach) -> tuple[Stop, ...]:
        """The stops in force that cover a call; the common case, none at all, costs one look."""
        if not self.stops:
            return ()
        return tuple(stop for stop in self.stops.values() if covers(stop.scope, reach))

    def pending_of(self, run: RunId) -> list[Ticket]:
        """The run's tickets that wait for a person."""
        tickets = (self.tickets[ticket] for ticket in self.live_tickets.get(run, ()))
        return sorted((t for t in tickets if t.state is TicketState.PENDING), key=lambda t: (t.created_at, t.id))

    def put_run(self, run: Run) -> None:
        """Add or replace a run and keep the derived look-ups true."""
        self.runs[run.id] = run
        if run.ancestors:
            self._count(run, run.state is RunState.OPEN)
            if run.result_schema:
                self.owing.setdefault(run.ancestors[0], set()).add(run.id)

    def _count(self, run: Run, is_open: bool) -> None:
        for family, head in ((self.children, run.ancestors[0]), (self.trees, run.ancestors[-1])):
            if is_open:
                family.setdefault(head, set()).add(run.id)
            elif (members := family.get(head)) is not None:
                members.discard(run.id)
                if not members:
                    del family[head]

    def keep(self, credential: Credential) -> None:
        """Add or replace a credential and keep the derived look-up true."""
        known = self.credentials.get(credential.hash)
        if known is not None and known.run != credential.run:
            self.run_credentials[known.run].discard(known.hash)
        self.credentials[credential.hash] = credential
        self.run_credentials.setdefault(credential.run, set()).add(credential.hash)

    def put_meter(self, key: str, meter: Meter) -> None:
        """Add or replace a meter and keep the derived look-up true."""
        if key not in self.meters and is_of_run(key):
            self.run_meters.setdefault(RunId(run_of(key)), set()).add(key)
        self.meters[key] = meter

    def forget(self, table: str, key: str) -> None:
        """Drop one row of what `core.records.retention` found, and keep the derived look-ups true."""
        match table:
            case "runs":
                run = self.runs.pop(RunId(key), None)
                if run is not None and run.ancestors:
                    self._count(run, is_open=False)
                    if (owing := self.owing.get(run.ancestors[0])) is not None:
                        owing.discard(run.id)
                        if not owing:
                            del self.owing[run.ancestors[0]]
                self.run_meters.pop(RunId(key), None)
            case "accounts":
                self.accounts.pop(RunId(key), None)
            case "credentials":
                credential = self.credentials.pop(key, None)
                if credential is not None and (hashes := self.run_credentials.get(credential.run)) is not None:
                    hashes.discard(key)
                    if not hashes:
                        del self.run_credentials[credential.run]
            case "meters":
                self.meters.pop(key, None)
            case "pauses":
                self.pauses.pop(key, None)
            case "handoffs":
                handoff = self.handoffs.pop(RunId(key), None)
                if handoff is not None:
                    self._hold(handoff, -1)
            case "tickets":
                ticket = self.tickets.pop(TicketId(key), None)
                if ticket is not None and self.newest_ticket.get(ticket.digest) == ticket.id:
                    del self.newest_ticket[ticket.digest]
            case _:
                raise AssertionError(f"nothing of {table} is forgotten")

    def put_handoff(self, handoff: Handoff) -> None:
        """Add a handoff and keep the derived look-up true."""
        self.handoffs[handoff.run] = handoff
        self._hold(handoff, 1)

    def _hold(self, handoff: Handoff, sign: int) -> None:
        size = self.handed.get(handoff.root, 0) + sign * len(handoff.result.encode())
        self.handed[handoff.root] = size
        if not size:
            del self.handed[handoff.root]

    def index(self, ticket: Ticket) -> None:
        """Keep the derived look-ups true for a ticket that was added or changed."""
        is_new = ticket.id not in self.tickets
        self.tickets[ticket.id] = ticket
        newest = self.newest_ticket.get(ticket.digest)
        # Only when it is added: a ticket of the same millisecond that moves later must not become the newest again.
        if newest is None or (is_new and self.tickets[newest].created_at <= ticket.created_at):
            self.newest_ticket[ticket.digest] = ticket.id
        live = self.live_tickets.setdefault(ticket.run, set())
        (live.add if ticket.state in LIVE else live.discard)(ticket.id)
        if not live:
            del self.live_tickets[ticket.run]


def apply(state: State, unit: Unit) -> Conflict | None:
    """Apply a unit, all or nothing. The caller keeps the entries.

    Changes of one unit may not depend on one another, apart from a `MoveTicket` before the `AddTicket` that replaces it.
    """
    withdrawn = frozenset(change.ticket for change in unit.changes if isinstance(change, MoveTicket))
    for change in unit.changes:
        if (conflict := check(state, change, withdrawn)) is not None:
            return conflict
    for change in unit.changes:
        commit(state, change)
    return None


def check(state: State, change: Change, moving: frozenset[TicketId]) -> Conflict | None:
    """Whether a change's precondition holds."""
    match change:
        case OpenRun(run=run, caps=caps):
            if run.id in state.runs:
                return Conflict(None, f"run {run.id} exists already")
            if run.ancestors:
                return _why_no_child(state, run, caps)
        case CloseRun(run=run_id):
            if not _is_open(state, run_id):
                return Conflict(ReasonCode.RUN_CLOSED, f"run {run_id} is not open")
        case ExtendRun(run=run_id):
            known = state.runs.get(run_id)
            for needed in (run_id, *(known.ancestors if known is not None else ())):
                if not _is_open(state, needed):
                    return Conflict(ReasonCode.RUN_CLOSED, f"run {needed} is not open")
        case PutCredential(credential=credential):
            if not _is_open(state, credential.run):
                return Conflict(ReasonCode.RUN_CLOSED, f"run {credential.run} is not open")
        case Reserve(call=call, caps=caps, charges=charges, at=at, counts=counts):
            if call in state.holds:
                return Conflict(None, f"call {call} is held already")
            for run_id, cap in caps if counts else ():
                account = state.accounts.get(run_id) or _NOTHING_USED
                used = account.held + account.spent
                if cap is not None and used + 1 > cap + account.extra:
                    return Conflict(ReasonCode.CALL_CAP, f"run {run_id} has used {used} of {cap + account.extra} calls")
            for charge in charges:
                if (short := refusal(state.meters.get(charge.meter), charge, at)) is not None:
                    return Conflict(CAP_CODES[charge.kind], in_words(charge, short))
        case Settle(call=call) | Release(call=call):
            if call not in state.holds:
                return Conflict(None, f"call {call} is not held")
        case Raise(run=run_id):
            if not _is_open(state, run_id):
                return Conflict(ReasonCode.RUN_CLOSED, f"run {run_id} is not open")
            return _why_not_raised(state, change)
        case Prune():
            pass
        case AddTicket(ticket=ticket):
            if ticket.id in state.tickets:
                return Conflict(None, f"ticket {ticket.id} exists already")
            newest = state.newest_ticket.get(ticket.digest)
            if newest is not None and newest not in moving and state.tickets[newest].state is TicketState.PENDING:
                return Conflict(None, f"ticket {newest} is pending for the same call")
        case CastVote(ticket=ticket_id, vote=vote):
            current = state.tickets.get(ticket_id)
            outcome = after_vote(current, vote) if current else f"there is no ticket {ticket_id}"
            if isinstance(outcome, str):
                return Conflict(None, outcome)
        case MoveTicket(ticket=ticket_id, expected=expected, to=to, at=at, why=why):
            current = state.tickets.get(ticket_id)
            outcome = moved(current, expected, to, at, why) if current else f"there is no ticket {ticket_id}"
            if isinstance(outcome, str):
                return Conflict(None, outcome)
        case AddStop():
            pass
        case LiftStop(stop_id=stop_id):
            if stop_id not in state.stops:
                return Conflict(None, f"stop {stop_id} is not in force")
        case PutOperator(operator=operator, new=new):
            known = state.operators.get(operator.name)
            if new and known is not None and not known.removed:
                return Conflict(None, f"operator {operator.name} exists already")
        case RemoveOperator(name=name):
            known = state.operators.get(name)
            if known is None or known.removed:
                return Conflict(None, f"there is no operator {name}")
            if known.role is Role.ADMIN and not any(
                other.role is Role.ADMIN and not other.removed for other in state.operators.values() if other.name != name
            ):
                return Conflict(None, f"{name} is the last admin")
        case PutPin(pin=pin, expected=expected):
            held = state.pins.get(pin.id)
            if (held.digest if held else None) != expected:
                return Conflict(None, f"the pin of {pin.kind.value} {pin.name[:80]} of {pin.server} has changed meanwhile")
        case JoinLabel(run=run_id):
            if run_id not in state.runs:
                return Conflict(None, f"there is no run {run_id}")
        case LowerLabel(run=run_id, expected=expected):
            if not _is_open(state, run_id):
                return Conflict(ReasonCode.RUN_CLOSED, f"run {run_id} is not open")
            if state.runs[run_id].label != expected:
                return Conflict(None, f"run {run_id} was given something else meanwhile")
            return _why_not_lowered(state, change)
        case JoinPlace():
            pass
        case LowerPlace(place=place, expected=expected):
            if state.labels.get(place, CLEAN) != expected:
                return Conflict(None, f"the label of {place} has changed meanwhile")
            return _why_not_lowered(state, change)
        case AddWords(run=run_id, words=words):
            if not _is_open(state, run_id):
                return Conflict(ReasonCode.RUN_CLOSED, f"run {run_id} is not open")
            if len(state.runs[run_id].words) >= WORDS_MOST:
                return Conflict(None, f"run {run_id} was told something {WORDS_MOST} times already")
            if sum(len(said.text) for said in state.runs[run_id].words) + len(words.text) > WORDS_ROOM:
                return Conflict(None, f"run {run_id} was told {WORDS_ROOM} characters already")
        case PutHandoff(handoff=handoff):
            return _why_not_handed(state, handoff)
        case _:
            assert_never(change)
    return None


def commit(state: State, change: Change) -> None:
    """Make a change whose precondition holds."""
    match change:
        case OpenRun(run=run, credential=credential):
            # What its parent knows by now may be in its task.
            above = join_all((run.label, *(state.runs[ancestor].label for ancestor in run.ancestors)))
            place = agent_place(run.agent)
            if not _is_of_operator(state, run):
                above = above.joined(state.labels.get(place, CLEAN))
            _put_label(state, place, state.labels.get(place, CLEAN).joined(above))
            state.put_run(replace(run, label=above) if above != run.label else run)
            if credential is not None:
                state.keep(credential)
        case CloseRun(run=run_id, at=at):
            state.put_run(replace(state.runs[run_id], state=RunState.CLOSED, closed_at=at))
            for hashed in state.run_credentials.get(run_id, ()):
                state.credentials[hashed] = replace(state.credentials[hashed], revoked=True)
        case PutCredential(credential=credential):
            state.keep(credential)
        case ExtendRun(run=run_id, credential_hash=hashed, expires_at=expires_at):
            state.runs[run_id] = replace(state.runs[run_id], expires_at=expires_at)
            if (known := state.credentials.get(hashed)) is not None:
                state.credentials[hashed] = replace(known, expires_at=expires_at)
        case Reserve(call=call, entry_tool=tool, caps=caps, charges=charges, at=at, brings=brings, counts=counts):
            runs = tuple(run_id for run_id, _ in caps)
            state.holds[call] = Hold(call, tool, runs, _held(state, charges, at) if charges else (), brings, counts)
            if brings is not None:
                _join(state, runs[0], brings)
            for run_id in runs if counts else ():
                state.accounts.setdefault(run_id, Account()).held += 1
        case Settle(call=call, at=at, actual=actual):
            hold = state.holds.pop(call)
            for run_id in hold.runs if hold.counts else ():
                state.accounts[run_id].held -= 1
                state.accounts[run_id].spent += 1
            if hold.charges:
                costs = dict(actual)
                for charge in hold.charges:
                    # A rate that has passed is not kept, even while the call is under way.
                    if (meter := state.meters.get(charge.meter)) is not None:
                        _keep(state, charge.meter, settle(meter, charge, at, costs.get(charge.meter)))
        case Release(call=call, at=at):
            hold = state.holds.pop(call)
            for run_id in hold.runs if hold.counts else ():
                state.accounts[run_id].held -= 1
            for charge in hold.charges:
                if (meter := state.meters.get(charge.meter)) is not None:
                    _keep(state, charge.meter, release(meter, charge, at))
        case Raise(run=run_id, kind=kind, by=by, caps=caps):
            key = caps[0][0]
            if kind is None:
                state.accounts.setdefault(run_id, Account()).extra += by
            else:
                meter = state.meters.get(key) or Meter(kind)
                state.put_meter(key, replace(meter, extra=meter.extra + by))
        case Prune(at=at):
            for table, key in prunable(state, at):
                state.forget(table, key)
        case AddTicket(ticket=ticket):
            state.index(ticket)
        case CastVote(ticket=ticket_id, vote=vote):
            outcome = after_vote(state.tickets[ticket_id], vote)
            assert isinstance(outcome, Ticket)  # INVARIANT: `check` held
            state.index(outcome)
        case MoveTicket(ticket=ticket_id, expected=expected, to=to, at=at, why=why):
            outcome = moved(state.tickets[ticket_id], expected, to, at, why)
            assert isinstance(outcome, Ticket)  # INVARIANT: `check` held
            state.index(outcome)
        case AddStop(stop=stop):
            state.stops[stop.id] = stop
        case LiftStop(stop_id=stop_id, at=at):
            lifted = ended(state.stops.pop(stop_id), at)
            if lifted is not None:
                for gone in forgotten(state.pauses):
                    del state.pauses[gone]
                state.pauses[lifted.id] = lifted
        case PutOperator(operator=operator):
            state.operators[operator.name] = operator
        case RemoveOperator(name=name):
            state.operators[name] = replace(state.operators[name], removed=True)
        case PutPin(pin=pin):
            state.pins[pin.id] = pin
        case JoinLabel(run=run_id, label=label):
            _join(state, run_id, label)
        case LowerLabel(run=run_id, to=to):
            state.runs[run_id] = replace(state.runs[run_id], label=to)
        case JoinPlace(place=place, label=label):
            _put_label(state, place, state.labels.get(place, CLEAN).joined(label))
        case LowerPlace(place=place, to=to):
            _put_label(state, place, to)
        case AddWords(run=run_id, words=words):
            known = state.runs[run_id]
            state.runs[run_id] = replace(known, words=(*known.words, words))
        case PutHandoff(handoff=handoff):
            run = state.runs[handoff.run]
            given = join_all((run.label, *(state.runs[ancestor].label for ancestor in run.ancestors)))
            state.put_handoff(replace(handoff, label=handoff.label.joined(given)))
        case _:
            assert_never(change)


_NOTHING_USED = Account()


def _why_no_child(state: State, run: Run, caps: SpawnCaps) -> Conflict | None:
    for above in run.ancestors:
        if not _is_open(state, above):
            return Conflict(ReasonCode.RUN_CLOSED, f"run {above} above is not open")
        expires_at = state.runs[above].expires_at
        if expires_at is not None and run.opened_at >= expires_at:
            return Conflict(ReasonCode.RUN_EXPIRED, f"run {above} above has expired")
    parent, root = run.ancestors[0], run.ancestors[-1]
    given = state.runs[parent].grant.depth
    if len(run.ancestors) > caps.depth or (given is not None and given < 1):
        return Conflict(ReasonCode.SPAWN_CAP, f"no generation may follow run {parent}")
    if len(state.children.get(parent, ())) >= caps.children:
        return Conflict(ReasonCode.SPAWN_CAP, f"run {parent} has {caps.children} open children already")
    if len(state.trees.get(root, ())) + 1 >= caps.tree:
        return Conflict(ReasonCode.SPAWN_CAP, f"the tree of run {root} has {caps.tree} open runs already")
    return None


def _why_not_handed(state: State, handoff: Handoff) -> Conflict | None:
    run = state.runs.get(handoff.run)
    if run is None or not _is_open(state, run.id):
        return Conflict(ReasonCode.RUN_CLOSED, f"run {handoff.run} is not open")
    if run.ancestors[:1] != (handoff.parent,) or run.ancestors[-1] != handoff.root:
        return Conflict(ReasonCode.HANDOFF, f"run {run.id} is no child of run {handoff.parent}")
    if run.id in state.handoffs:
        return Conflict(ReasonCode.HANDOFF, f"run {run.id} has handed its result over already")
    size = len(handoff.result.encode())
    if state.handed.get(handoff.root, 0) + size > HANDED_ROOM:
        return Conflict(ReasonCode.HANDOFF, f"the tree of run {handoff.root} keeps {HANDED_ROOM} bytes of results already")
    if sum(state.handed.values()) + size > HANDED_MOST:
        return Conflict(ReasonCode.HANDOFF, f"{HANDED_MOST} bytes of results are kept already")
    return None


def _why_not_raised(state: State, change: Raise) -> Conflict | None:
    left = [_left(state, change, key, cap) for key, cap in change.caps]
    if left[0] is None:
        return Conflict(None, f"run {change.run} has no such cap")
    after = left[0] + change.by
    for (key, _), above in zip(change.caps[1:], left[1:], strict=True):
        if above is not None and after > above:
            return Conflict(None, f"{key} is above it and has {in_units(key, above)} left: raise that first")
    return None


def _left(state: State, change: Raise, key: str, cap: int | None) -> int | None:
    """What may still be used of a cap; None: there is none."""
    if cap is None:
        return None
    if change.kind is None:
        account = state.accounts.get(RunId(key)) or _NOTHING_USED
        return cap + account.extra - account.held - account.spent
    meter = state.meters.get(key) or Meter(change.kind)
    return cap + meter.extra - used_of(meter, change.at)


def _held(state: State, charges: tuple[Charge, ...], at: Millis) -> tuple[Charge, ...]:
    held: list[Charge] = []
    for charge in charges:
        meter, kept = reserve(state.meters.get(charge.meter), charge, at)
        state.put_meter(charge.meter, meter)
        held.append(kept)
    return tuple(held)


def _keep(state: State, key: str, meter: Meter) -> None:
    """Calls under way are counted often and briefly, so what counts none is dropped at once."""
    if meter.kind in AT_ONCE and meter.held == 0:
        state.meters.pop(key, None)
    else:
        state.put_meter(key, meter)


def _put_label(state: State, place: str, label: Label) -> None:
    if label == CLEAN:
        state.labels.pop(place, None)
    else:
        state.labels[place] = label


def _is_of_operator(state: State, run: Run) -> bool:
    """Whether an operator opened it, or one above it: then it does not begin with all that its agent was given before."""
    above = (state.runs.get(ancestor) for ancestor in run.ancestors)
    return any(link is not None and link.is_of_operator for link in (run, *above))


def raised_by(state: State, run: RunId, label: Label) -> tuple[tuple[str, str], ...]:
    """The rows, as (table, id), that rise where a run is given data of a label."""
    known = state.runs.get(run)
    if known is None:
        return ()
    own = () if known.label.covers(label) else (("runs", str(run)),)
    place = agent_place(known.agent)
    return own if state.labels.get(place, CLEAN).covers(label) else (*own, ("labels", place))


def _join(state: State, run: RunId, label: Label) -> None:
    known = state.runs.get(run)
    if known is None:
        return  # a cap was given for it and nothing else: nobody asks for its label
    if (joined := known.label.joined(label)) is not known.label:
        state.runs[run] = replace(known, label=joined)
    place = agent_place(known.agent)
    _put_label(state, place, state.labels.get(place, CLEAN).joined(label))


def _why_not_lowered(state: State, change: LowerLabel | LowerPlace) -> Conflict | None:
    """What is under way was decided before the operator looked, and may be answered after."""
    found = (hold for hold in state.holds.values() if _may_bring_more(state, hold, change))
    hold = min(found, key=lambda hold: hold.call, default=None)
    if hold is None:
        return None
    return Conflict(None, f"call {hold.call} of {hold.tool} is under way and may bring more: wait for it, or stop it")


def _may_bring_more(state: State, hold: Hold, change: LowerLabel | LowerPlace) -> bool:
    if isinstance(change, LowerPlace) and is_memory(change.place):
        return hold.tool.startswith(f"{server_of_memory(change.place)}.")
    if hold.brings is None or change.to.covers(hold.brings):
        return False
    if isinstance(change, LowerLabel):
        return hold.runs[0] == change.run
    run = state.runs.get(hold.runs[0])
    return run is not None and agent_place(run.agent) == change.place


def _is_open(state: State, run: RunId) -> bool:
    known = state.runs.get(run)
    return known is not None and known.state is RunState.OPEN
