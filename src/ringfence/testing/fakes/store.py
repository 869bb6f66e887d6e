"""A store that says no at the steps it is told to, around any other store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

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
from ringfence.core.records.leaves import has_stop
from ringfence.core.records.state import Account, Hold
from ringfence.core.records.unit import Conflict, Unit
from ringfence.errors import UnavailableError
from ringfence.ports.store import CallState, Receipt, Store


class StoreStep(Enum):
    """Where it can fail."""

    RECORD = "record"
    """Nothing is accepted but stops, as on a full disk; `is_degraded` says so."""
    JOURNALED = "journaled"
    """Accepted, then lost; nothing becomes durable either. The wrapped store keeps the unit: callers may rely on neither."""
    DURABLE = "durable"
    """Journaled, but the fsync failed."""
    STOPS_ON = "stops_on"
    """The last look before a send."""
    READ = "read"
    """Every other read."""


class FakeStore:
    """Keeps the promises of `ports.store.Store` through the store it wraps.

    store = FakeStore(MemoryStore())
    store.fail_at(StoreStep.DURABLE)
    ...
    store.work_again()
    """

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self._failing: frozenset[StoreStep] = frozenset()

    def fail_at(self, *steps: StoreStep) -> None:
        """From now on fail at these steps, and at no others."""
        self._failing = frozenset(steps)

    def work_again(self) -> None:
        self._failing = frozenset()

    def refuse_at(self, step: StoreStep) -> None:
        """Raises UnavailableError where the fake was told to fail at that step."""
        if step in self._failing:
            raise UnavailableError(f"the fake store fails at {step.value}")

    async def record(self, unit: Unit) -> Receipt | Conflict:
        if not has_stop(unit):
            self.refuse_at(StoreStep.RECORD)
        answer = await self._inner.record(unit)
        return answer if isinstance(answer, Conflict) else _FakeReceipt(self, answer)

    def stops_on(self, reach: Reach) -> tuple[Stop, ...]:
        self.refuse_at(StoreStep.STOPS_ON)
        return self._inner.stops_on(reach)

    def is_degraded(self) -> str:
        return "the fake store fails at record" if StoreStep.RECORD in self._failing else self._inner.is_degraded()

    async def credential(self, hashed: str) -> Credential | None:
        return await self._reading().credential(hashed)

    async def credentials(self, run: RunId) -> tuple[Credential, ...]:
        return await self._reading().credentials(run)

    async def call_state(self, run: RunId, reach: Reach, digest: Digest) -> CallState | None:
        return await self._reading().call_state(run, reach, digest)

    async def run(self, run: RunId) -> Run | None:
        return await self._reading().run(run)

    async def runs(self) -> tuple[Run, ...]:
        return await self._reading().runs()

    async def runs_below(self, run: RunId) -> tuple[Run, ...]:
        return await self._reading().runs_below(run)

    async def child_runs(self) -> tuple[Run, ...]:
        return await self._reading().child_runs()

    async def account(self, run: RunId) -> Account:
        return await self._reading().account(run)

    async def meters(self, keys: Sequence[str]) -> tuple[Meter | None, ...]:
        return await self._reading().meters(keys)

    def label_of(self, place: str) -> Label:
        return self._reading().label_of(place)

    async def labels(self) -> Mapping[str, Label]:
        return await self._reading().labels()

    async def handoff(self, run: RunId) -> Handoff | None:
        return await self._reading().handoff(run)

    async def expects(self, run: RunId) -> bool:
        return await self._reading().expects(run)

    async def ticket(self, ticket: TicketId) -> Ticket | None:
        return await self._reading().ticket(ticket)

    async def tickets(self, states: frozenset[TicketState]) -> tuple[Ticket, ...]:
        return await self._reading().tickets(states)

    async def holds(self) -> Mapping[str, Hold]:
        return await self._reading().holds()

    async def stops(self) -> tuple[Stop, ...]:
        return await self._reading().stops()

    async def operators(self) -> Mapping[OperatorName, Operator]:
        return await self._reading().operators()

    async def pauses(self) -> tuple[Pause, ...]:
        return await self._reading().pauses()

    async def pins(self) -> tuple[Pin, ...]:
        return await self._reading().pins()

    async def close(self) -> None:
        await self._inner.close()

    def _reading(self) -> Store:
        self.refuse_at(StoreStep.READ)
        return self._inner


class _FakeReceipt:
    def __init__(self, store: FakeStore, inner: Receipt) -> None:
        self._store = store
        self._inner = inner

    @property
    def first_seq(self) -> int:
        return self._inner.first_seq

    async def journaled(self) -> None:
        self._store.refuse_at(StoreStep.JOURNALED)
        await self._inner.journaled()

    async def durable(self) -> None:
        self._store.refuse_at(StoreStep.JOURNALED)
        self._store.refuse_at(StoreStep.DURABLE)
        await self._inner.durable()
