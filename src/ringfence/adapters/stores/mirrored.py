"""The reading half of `ringfence.ports.store.Store`, for stores that hold the whole state in memory.

A base instead of a Protocol, because the memory store and the embedded store must give the same answers from the same state.
Every read is one consistent look: nothing awaits between its first and its last line.
"""

from collections.abc import Mapping, Sequence

from ringfence.core.definitions.pins import Pin
from ringfence.core.model.handoff import Handoff
from ringfence.core.model.identifiers import Digest, OperatorName, RunId, TicketId
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.meter import Meter
from ringfence.core.model.operator import Operator
from ringfence.core.model.pause import Pause
from ringfence.core.model.run import Credential, Run, RunState
from ringfence.core.model.stop import Reach, Stop
from ringfence.core.model.ticket import Ticket, TicketState
from ringfence.core.records.state import Account, Hold, State
from ringfence.errors import IntegrityError, UnavailableError
from ringfence.ports.store import CallState


class MirroredState:
    """Answers reads from `_state`. A subclass sets `_closed` when it lets go."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._closed = False

    def _readable(self) -> State:
        """Raises UnavailableError after close: a state that nobody keeps true is not fresh."""
        if self._closed:
            raise UnavailableError("the store is closed")
        return self._state

    async def credential(self, hashed: str) -> Credential | None:
        return self._readable().credentials.get(hashed)

    async def credentials(self, run: RunId) -> tuple[Credential, ...]:
        state = self._readable()
        return tuple(state.credentials[hashed] for hashed in state.run_credentials.get(run, ()))

    async def call_state(self, run: RunId, reach: Reach, digest: Digest) -> CallState | None:
        state = self._readable()
        known = state.runs.get(run)
        if known is None:
            return None
        chain = [known]
        for ancestor in known.ancestors:
            found = state.runs.get(ancestor)
            if found is None:
                raise IntegrityError(f"run {run} descends from {ancestor}, which is not in the store")
            chain.append(found)
        newest = state.newest_ticket.get(digest)
        return CallState(
            chain=tuple(chain),
            accounts=tuple(_account(state, link.id) for link in chain),
            stops=state.stops_on(reach),
            ticket=None if newest is None else state.tickets[newest],
            pending=tuple(state.pending_of(run)) if run in state.live_tickets else (),
            pauses=tuple(state.pauses.values()),
        )

    def stops_on(self, reach: Reach) -> tuple[Stop, ...]:
        return self._readable().stops_on(reach)

    async def run(self, run: RunId) -> Run | None:
        return self._readable().runs.get(run)

    async def runs(self) -> tuple[Run, ...]:
        open_runs = (run for run in self._readable().runs.values() if run.state is RunState.OPEN)
        return tuple(sorted(open_runs, key=lambda run: (run.opened_at, run.id)))

    async def runs_below(self, run: RunId) -> tuple[Run, ...]:
        state = self._readable()
        known = state.runs.get(run)
        root = known.ancestors[-1] if known is not None and known.ancestors else run
        family = (state.runs[member] for member in sorted(state.trees.get(root, ())))
        return tuple(member for member in family if run in member.ancestors)

    async def child_runs(self) -> tuple[Run, ...]:
        state = self._readable()
        return tuple(state.runs[run] for run in sorted(run for family in state.trees.values() for run in family))

    async def account(self, run: RunId) -> Account:
        return _account(self._readable(), run)

    async def meters(self, keys: Sequence[str]) -> tuple[Meter | None, ...]:
        meters = self._readable().meters
        return tuple(meters.get(key) for key in keys)

    def label_of(self, place: str) -> Label:
        return self._readable().labels.get(place, CLEAN)

    async def labels(self) -> Mapping[str, Label]:
        return dict(self._readable().labels)

    async def handoff(self, run: RunId) -> Handoff | None:
        return self._readable().handoffs.get(run)

    async def expects(self, run: RunId) -> bool:
        return run in self._readable().owing

    async def ticket(self, ticket: TicketId) -> Ticket | None:
        return self._readable().tickets.get(ticket)

    async def tickets(self, states: frozenset[TicketState]) -> tuple[Ticket, ...]:
        wanted = (ticket for ticket in self._readable().tickets.values() if ticket.state in states)
        return tuple(sorted(wanted, key=lambda ticket: (ticket.created_at, ticket.id)))

    async def holds(self) -> Mapping[str, Hold]:
        return {str(call): hold for call, hold in self._readable().holds.items()}

    async def stops(self) -> tuple[Stop, ...]:
        return tuple(self._readable().stops.values())

    async def operators(self) -> Mapping[OperatorName, Operator]:
        return {name: operator for name, operator in self._readable().operators.items() if not operator.removed}

    async def pauses(self) -> tuple[Pause, ...]:
        return tuple(self._readable().pauses.values())

    async def pins(self) -> tuple[Pin, ...]:
        return tuple(self._readable().pins.values())


def _account(state: State, run: RunId) -> Account:
    # A copy: the caller's facts must not change under it when the next unit is accepted.
    account = state.accounts.get(run)
    return Account() if account is None else Account(account.held, account.spent, account.extra)
