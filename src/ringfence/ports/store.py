"""The durable state and the log: one transaction for a decision, its reservation and its ticket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ringfence.core.definitions.pins import Pin
from ringfence.core.model.handoff import Handoff
from ringfence.core.model.identifiers import Digest, OperatorName, RunId, TicketId
from ringfence.core.model.label import Label
from ringfence.core.model.meter import Meter
from ringfence.core.model.operator import Operator
from ringfence.core.model.pause import Pause
from ringfence.core.model.run import Credential, Run
from ringfence.core.model.stop import Reach, Stop
from ringfence.core.model.ticket import Ticket, TicketState
from ringfence.core.records.state import Account, Hold
from ringfence.core.records.unit import Conflict, Unit


class Receipt(Protocol):
    """An accepted unit on its way to the disk. Its effect on the state is already visible to every reader."""

    @property
    def first_seq(self) -> int:
        """The place of the unit's first entry in the log; the others follow."""
        ...

    async def journaled(self) -> None:
        """Return when the unit survives a kill -9 of this process. Raises UnavailableError: it will not."""
        ...

    async def durable(self) -> None:
        """Return when the unit survives a power loss (fsync). Raises UnavailableError: it will not."""
        ...


@dataclass(frozen=True, slots=True)
class CallState:
    """What the store knows of one call, read in one consistent look."""

    chain: tuple[Run, ...]
    """The run first, then its ancestors up to the root."""
    accounts: tuple[Account, ...]
    """Parallel to `chain`."""
    stops: tuple[Stop, ...]
    ticket: Ticket | None
    """The newest with the digest asked for."""
    pending: tuple[Ticket, ...]
    """The run's tickets that wait for a person, oldest first."""
    pauses: tuple[Pause, ...] = ()
    """All that are over and kept."""


class Store(Protocol):
    """One writer. Reads are fresh: they see every unit that was accepted.

    Every method raises UnavailableError where the answer cannot be had, and IntegrityError where the evidence is broken.
    """

    async def record(self, unit: Unit) -> Receipt | Conflict:
        """Accept a unit whole, or say which precondition failed. Not durable before the receipt says so.

        A unit that carries an `AddStop` is never turned away: the stop holds in memory at once, whatever the disk says.
        """
        ...

    async def credential(self, hashed: str) -> Credential | None: ...

    async def credentials(self, run: RunId) -> tuple[Credential, ...]:
        """Every credential of a run that is still known, in no promised order."""
        ...

    async def call_state(self, run: RunId, reach: Reach, digest: Digest) -> CallState | None:
        """None: there is no such run."""
        ...

    def stops_on(self, reach: Reach) -> tuple[Stop, ...]:
        """The stops that cover a call, read with no await: the last look before a send (I6).

        Raises UnavailableError where the stops cannot be known fresh.
        """
        ...

    async def run(self, run: RunId) -> Run | None: ...

    async def runs(self) -> tuple[Run, ...]:
        """Open runs, oldest first."""
        ...

    async def runs_below(self, run: RunId) -> tuple[Run, ...]:
        """The open runs below one, at any depth, in the order of their ids."""
        ...

    async def child_runs(self) -> tuple[Run, ...]:
        """Every open run that has a run above it, in the order of their ids."""
        ...

    async def account(self, run: RunId) -> Account: ...

    async def meters(self, keys: Sequence[str]) -> tuple[Meter | None, ...]:
        """Parallel to `keys`. None: nothing is used of it. Call it right after `call_state`: nothing awaits in between."""
        ...

    def label_of(self, place: str) -> Label:
        """Of what is kept where it outlives runs (`core.model.label`); `CLEAN` where nothing is. Raises UnavailableError."""
        ...

    async def labels(self) -> Mapping[str, Label]:
        """Of every place that has one."""
        ...

    async def handoff(self, run: RunId) -> Handoff | None:
        """What a run has handed to the run above it."""
        ...

    async def expects(self, run: RunId) -> bool:
        """Whether a run has opened children, open or not, that have a schema for what they hand over."""
        ...

    async def ticket(self, ticket: TicketId) -> Ticket | None: ...

    async def tickets(self, states: frozenset[TicketState]) -> tuple[Ticket, ...]:
        """Oldest first."""
        ...

    async def holds(self) -> Mapping[str, Hold]:
        """Allowed calls without an outcome, by call id."""
        ...

    async def stops(self) -> tuple[Stop, ...]: ...

    async def operators(self) -> Mapping[OperatorName, Operator]:
        """Without the removed ones."""
        ...

    async def pauses(self) -> tuple[Pause, ...]:
        """Pauses that are over, as far as they are kept, in the order in which they ended."""
        ...

    async def pins(self) -> tuple[Pin, ...]:
        """Every pin, in no promised order."""
        ...

    def is_degraded(self) -> str:
        """Why nothing can be recorded at the moment; empty when all is well."""
        ...

    async def close(self) -> None:
        """Flush and let go. Everything accepted is durable afterwards, or UnavailableError."""
        ...
