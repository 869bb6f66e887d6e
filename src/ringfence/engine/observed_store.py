"""A store that tells charts and traces what was recorded, whoever recorded it.

It stands where every entry passes, so that what is counted is what the log has: nothing in the engine has to think of telling.
Nothing is told of what was turned away. Only names, numbers and ids leave (`core.telemetry`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, cast

from ringfence.core.approvals.approval import closed_gates
from ringfence.core.model.identifiers import CallId, Millis, RunId, TicketId
from ringfence.core.model.stop import ScopeKind
from ringfence.core.model.ticket import TicketState
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import AddStop, CastVote, CloseRun, Conflict, LiftStop, MoveTicket, OpenRun, Reserve, Unit
from ringfence.core.rules import Rules
from ringfence.core.telemetry.events import Decided, Event, Recorded, RunBegan, RunEnded, StopLifted, StopSet, Waited
from ringfence.core.telemetry.names import agent_name, tool_name
from ringfence.core.telemetry.reading import decided, ended
from ringfence.errors import UnavailableError
from ringfence.ports.store import Receipt, Store
from ringfence.ports.telemetry import Telemetry

MOST_OPEN: Final = 50_000
"""Calls and tickets whose end is not known yet. Beyond, the oldest end as those of another process do."""
MOST_ROOTS: Final = 20_000
_LATE: Final = frozenset({TicketState.EXPIRED, TicketState.WITHDRAWN})
_WAITED: Final = frozenset({TicketState.APPROVED, TicketState.DENIED, *_LATE})
_TOLD: Final = frozenset({OpenRun, CloseRun, CastVote, MoveTicket, AddStop, LiftStop})
_OF_CALLS: Final = frozenset({EntryKind.DECISION, EntryKind.OUTCOME})
_RECORDED: Final = {kind: Recorded(kind.value) for kind in EntryKind}


class _ObservedStore:
    """Everything but `record` is the store's own."""

    def __init__(self, store: Store, telemetry: Telemetry, rules: Callable[[], Rules]) -> None:
        self._store = store
        self._tell = telemetry.tell
        self._rules = rules
        self._calls: OrderedDict[CallId, Decided] = OrderedDict()
        self._tickets: OrderedDict[TicketId, Decided] = OrderedDict()
        self._roots: OrderedDict[RunId, RunId] = OrderedDict()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if callable(found):
            # The next look-up finds it at once.
            self.__dict__[name] = found
        return found

    async def record(self, unit: Unit) -> Receipt | Conflict:
        receipt = await self._store.record(unit)
        if isinstance(receipt, Conflict):
            return receipt
        try:
            for change in unit.changes:
                kind = type(change)
                if kind in _TOLD:
                    await self._changed(change, unit)
                elif type(change) is Reserve:
                    self._keep_root(change.caps[0][0], change.caps[-1][0])
            for place, entry in enumerate(unit.entries):
                self._tell(_RECORDED[entry.kind])
                if entry.kind in _OF_CALLS:
                    await self._written(entry, receipt.first_seq + place)
        except UnavailableError:
            pass  # It is recorded; what could not be looked up for telling is not told.
        return receipt

    async def _changed(self, change: object, unit: Unit) -> None:
        match change:
            case OpenRun(run=run):
                self._keep_root(run.id, run.ancestors[-1] if run.ancestors else run.id)
                self._tell(RunBegan(at=run.opened_at, run=run.id, agent=agent_name(self._rules(), run.agent)))
            case CloseRun(run=run, at=at):
                await self._closed(run, at)
            case CastVote(ticket=ticket, vote=vote):
                await self._moved(ticket, vote.at)
            case MoveTicket(ticket=ticket, to=to, at=at) if to in _WAITED:
                await self._moved(ticket, at)
            case AddStop(stop=stop):
                scope = stop.scope
                root = await self._root(RunId(scope.target)) if scope.kind is ScopeKind.RUN else None
                self._tell(StopSet(at=stop.at, stop=stop.id, mode=stop.mode, scope=scope.kind, target=scope.target, root=root))
            case LiftStop(stop_id=stop):
                self._tell(StopLifted(at=unit.entries[0].at if unit.entries else 0, stop=stop))
            case _:
                pass

    async def _written(self, entry: Entry, seq: int) -> None:
        told: Event | None = None
        if entry.kind is EntryKind.DECISION and entry.run is not None:
            root = self._roots.get(entry.run) or await self._root(entry.run)
            told = decided(entry, seq, root, self._rules())
            if told is not None and told.level == "allow":
                _keep(self._calls, told.call, told)
            elif told is not None and told.ticket is not None:
                self._tickets.setdefault(told.ticket, told)
                _bound(self._tickets)
        elif entry.kind is EntryKind.OUTCOME and entry.call is not None:
            told = ended(entry, seq, self._calls.pop(entry.call, None), self._rules())
        if told is not None:
            self._tell(told)

    async def _closed(self, run_id: RunId, at: Millis) -> None:
        run = await self._store.run(run_id)
        if run is None:
            return
        parent = run.ancestors[0] if run.ancestors else None
        root = run.ancestors[-1] if run.ancestors else run.id
        agent = agent_name(self._rules(), run.agent)
        self._tell(RunEnded(at=at, since=run.opened_at, run=run.id, root=root, parent=parent, agent=agent))

    async def _moved(self, ticket_id: TicketId, at: Millis) -> None:
        """Tell the end of a wait: a vote may leave it waiting, and what was approved may be withdrawn later."""
        ticket = await self._store.ticket(ticket_id)
        if ticket is None or ticket.state not in _WAITED:
            return
        if ticket.state in _LATE and not closed_gates(ticket):
            return  # Its wait had ended with its approval.
        before = self._tickets.pop(ticket_id, None)
        rules = self._rules()
        self._tell(
            Waited(
                at=at,
                since=ticket.created_at,
                ticket=ticket.id,
                call=ticket.call,
                run=ticket.run,
                root=await self._root(ticket.run),
                agent=agent_name(rules, ticket.agent),
                tool=tool_name(rules, ticket.tool),
                state=ticket.state.value,
                decided=before,
            )
        )

    async def _root(self, run_id: RunId) -> RunId:
        run = await self._store.run(run_id)
        root = run.ancestors[-1] if run is not None and run.ancestors else run_id
        self._keep_root(run_id, root)
        return root

    def _keep_root(self, run: RunId, root: RunId) -> None:
        if run in self._roots:
            return
        self._roots[run] = root
        if len(self._roots) > MOST_ROOTS:
            self._roots.popitem(last=False)


def _keep(open_ones: OrderedDict[CallId, Decided], call: CallId, told: Decided) -> None:
    open_ones[call] = told
    _bound(open_ones)


def _bound(open_ones: OrderedDict[Any, Decided]) -> None:
    if len(open_ones) > MOST_OPEN:
        open_ones.popitem(last=False)


def observed(store: Store, telemetry: Telemetry, rules: Callable[[], Rules]) -> Store:
    """The store, told on as it records. `rules`: the configuration of the moment."""
    return cast(Store, _ObservedStore(store, telemetry, rules))
