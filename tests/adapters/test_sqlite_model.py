"""Whatever happens, the SQLite store is the memory store that remembers: compared after restarts and full disks."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.adapters.faulty_disk import Watched
from tests.effort import examples

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.core.model.identifiers import CallId, Digest, OperatorName, RunId, TicketId
from ringfence.core.model.label import CLEAN, Label, agent_place, memory_place
from ringfence.core.model.meter import Charge, MeterKind
from ringfence.core.model.operator import Role
from ringfence.core.model.profile import Sensitivity, Trust
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.words import Words
from ringfence.core.records.leaves import has_stop
from ringfence.core.records.unit import (
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
    PutOperator,
    PutPin,
    Raise,
    Release,
    RemoveOperator,
    Reserve,
    Settle,
    Unit,
)
from ringfence.errors import UnavailableError
from ringfence.ports.audit import AuditLog, AuditQuery
from ringfence.ports.store import Store
from ringfence.testing.contracts.samples import (
    TOOL,
    a_credential,
    a_pin,
    a_reach,
    a_run,
    a_stop,
    a_ticket,
    a_vote,
    an_entry,
    an_operator,
)

RUNS = ("r1", "r2", "r3")
TICKETS = ("t1", "t2", "t3")
Result = TypeVar("Result")

runs = st.sampled_from(RUNS)
calls = st.sampled_from(("c1", "c2", "c3", "c4")).map(CallId)
tickets = st.sampled_from(TICKETS).map(TicketId)
digests = st.sampled_from(("d1", "d2")).map(Digest)
people = st.sampled_from(("ada", "bob", "cyd"))
states = st.sampled_from(TicketState)
caps = st.none() | st.integers(0, 3)

labels = st.builds(Label, st.sampled_from(Trust), st.sampled_from(Sensitivity))
PLACES = (agent_place("support"), memory_place("orders"))
times = st.integers(0, 200_000)
METERS = {
    "rate:agent/a:all": (MeterKind.RATE, 5_000_000),
    "open:tool/t:all": (MeterKind.OPEN, 0),
    "sum:agent/a:t/x@60s": (MeterKind.SUM, 60_000),
    "rows:run/r1:all": (MeterKind.ROWS, 0),
    "distinct:agent/a:t/to@60s": (MeterKind.DISTINCT, 60_000),
    "spend:run/r1:all": (MeterKind.SPEND, 0),
    "tokens:team/t:all@60s": (MeterKind.TOKENS, 60_000),
    "streams:gateway:all": (MeterKind.STREAMS, 0),
}
drawn_charges = st.tuples(st.integers(0, 4), st.integers(1, 3), st.sampled_from("abc"))
charges = st.dictionaries(st.sampled_from(list(METERS)), drawn_charges, max_size=3).map(lambda drawn: {
    meter: Charge(meter, METERS[meter][0], cap, amount, METERS[meter][1], (value,))
    for meter, (cap, amount, value) in drawn.items()
})  # fmt: skip

changes: st.SearchStrategy[Change] = st.one_of(
    st.builds(
        lambda name, parent, credential, by, label: OpenRun(
            replace(a_run(name, ancestors=(parent,) if parent and parent != name else ()), opened_by=by, label=label),
            a_credential(credential, run=name) if credential else None,
        ),
        runs,
        st.none() | runs,
        st.none() | st.sampled_from(("h1", "h2")),
        st.sampled_from(("operator:ada", "agent:support")),
        st.just(CLEAN) | labels,
    ),
    st.builds(lambda run, at: CloseRun(RunId(run), at), runs, times),
    st.builds(lambda name, run: PutCredential(a_credential(name, run=run)), st.sampled_from(("h1", "h3")), runs),
    st.builds(lambda run, at: ExtendRun(RunId(run), "h1", at), runs, st.integers(0, 9999)),
    st.builds(lambda call, chain, charges, at, brings, counts: Reserve(call, TOOL,
                                                                       tuple((RunId(run), cap) for run, cap in chain.items()),
                                                                       tuple(charges.values()), at, brings, counts),
              calls, st.dictionaries(runs, caps, min_size=1, max_size=2), charges, times, st.none() | labels, st.booleans()),
    st.builds(lambda run, label: JoinLabel(RunId(run), label), runs, labels),
    st.builds(lambda run, to, expected: LowerLabel(RunId(run), to, expected), runs, labels, labels),
    st.builds(JoinPlace, st.sampled_from(PLACES), labels),
    st.builds(LowerPlace, st.sampled_from(PLACES), labels, labels),
    st.builds(lambda run, size: AddWords(RunId(run), Words("x" * size, "operator:ada", 3)), runs, st.sampled_from((9, 60_000))),
    st.builds(lambda call, at, cost: Settle(call, at, (("rows:run/r1:all", cost), ("spend:run/r1:all", cost))), calls, times,
              st.integers(0, 5)),
    st.builds(Release, calls, times),
    st.builds(lambda run, by, cap: Raise(RunId(run), None, by, ((run, cap),)), runs, st.integers(1, 3), caps),
    st.builds(lambda by: Raise(RunId("r1"), MeterKind.ROWS, by, (("rows:run/r1:all", 2),)), st.integers(1, 3)),
    st.builds(Prune, st.integers(0, 10**9)),
    st.builds(lambda name, digest, at: AddTicket(a_ticket(name, digest=digest, quorum=2, created_at=at)), tickets,
              st.sampled_from(("d1", "d2")), st.integers(0, 5)),
    st.builds(lambda ticket, who, approve: CastVote(ticket, a_vote(who, approve=approve)), tickets, people, st.booleans()),
    st.builds(lambda ticket, expected, to: MoveTicket(ticket, expected, to, 7, "why"), tickets, st.frozensets(states), states),
    st.builds(lambda name: AddStop(a_stop(name)), st.sampled_from(("s1", "s2"))),
    st.builds(LiftStop, st.sampled_from(("s1", "s2"))),
    st.builds(lambda who, role, new: PutOperator(an_operator(who, role=role), new=new), people, st.sampled_from(Role),
              st.booleans()),
    st.builds(lambda who: RemoveOperator(OperatorName(who)), people),
    st.builds(lambda name, digest, known: PutPin(a_pin(name, digest=digest), known), st.sampled_from(("get", "put")),
              digests, st.none() | digests),
)  # fmt: skip
# A unit's changes may not depend on one another, so there is one in each; entries come in any number.
units = st.builds(
    lambda change, texts: Unit(tuple(an_entry(text) for text in texts), () if change is None else (change,)),
    st.none() | changes,
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=3),
)


async def everything(store: Store) -> list[object]:
    """All that a store can be asked about its state."""
    return [
        await store.runs(),
        [await store.run(RunId(run)) for run in RUNS],
        [await store.credential(name) for name in ("h1", "h2", "h3")],
        [await store.account(RunId(run)) for run in RUNS],
        await store.holds(),
        await store.meters(list(METERS)),
        sorted(map(repr, await store.tickets(frozenset(TicketState)))),
        [await look(store, run, digest) for run in RUNS for digest in ("d1", "d2")],
        sorted(map(repr, await store.stops())),
        await store.operators(),
        sorted(map(repr, await store.pins())),
        await store.labels(),
    ]


async def look(store: Store, run: str, digest: str) -> object:
    """What a decision sees. Nothing promises the order of stops."""
    state = await store.call_state(RunId(run), a_reach(run), Digest(digest))
    return None if state is None else (state.chain, state.accounts, set(state.stops), state.ticket, state.pending)


async def log_of(log: AuditLog) -> list[object]:
    head = await log.head()
    return [head, [record async for record in log.leaves(0, head.size)], await log.query(AuditQuery(limit=1000))]


class StoresAgree(RuleBasedStateMachine):
    """The memory store takes what the SQLite store has accepted and kept, in the same order."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = Path(tempfile.mkdtemp())
        self.memory = MemoryStore()
        self.watched: Watched

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    @initialize()
    def open(self) -> None:
        self.watched = self.run(Watched.open(self.directory))

    @rule(batch=st.lists(units, min_size=1, max_size=6))
    def record(self, batch: list[Unit]) -> None:
        self.run(self._record(batch))

    async def _record(self, batch: list[Unit]) -> None:
        last = None
        for unit in batch:
            expected, answer = await self.memory.record(unit), await self.watched.store.record(unit)
            assert isinstance(expected, Conflict) == isinstance(answer, Conflict)
            if isinstance(expected, Conflict):
                assert expected == answer
            elif not isinstance(answer, Conflict):
                assert expected.first_seq == answer.first_seq
                last = answer
        if last is not None:
            await last.journaled()

    @rule(batch=st.lists(units, min_size=1, max_size=6))
    def fail_and_recover(self, batch: list[Unit]) -> None:
        self.run(self._fail_and_recover(batch))

    async def _fail_and_recover(self, batch: list[Unit]) -> None:
        """Of what is recorded on a full disk nothing is kept but the units with a stop."""
        watched = self.watched
        watched.disk.full = True
        lost = await watched.store.record(Unit((an_entry("lost"),)))
        assert not isinstance(lost, Conflict)
        accepted = []
        for unit in batch:
            if not isinstance(await watched.store.record(unit), Conflict):
                accepted.append(unit)
        try:
            await lost.journaled()
        except UnavailableError:
            pass
        else:
            raise AssertionError("it was written to a full disk")
        assert await watched.change()
        watched.disk.full = False
        while watched.store.is_degraded():
            await watched.change()
        for unit in accepted:
            if has_stop(unit):
                assert not isinstance(await self.memory.record(unit), Conflict)
        marker = Unit((an_entry("recovered"),))
        await self.memory.record(marker)
        receipt = await watched.store.record(marker)
        assert not isinstance(receipt, Conflict)
        await receipt.durable()

    @rule()
    def restart(self) -> None:
        self.run(self.watched.store.close())
        self.watched = self.run(Watched.open(self.directory))

    @precondition(lambda self: hasattr(self, "watched"))
    @invariant()
    def they_agree(self) -> None:
        store = self.watched.store
        assert self.run(everything(store)) == self.run(everything(self.memory))
        assert self.run(log_of(store)) == self.run(log_of(self.memory))

    def teardown(self) -> None:
        self.run(self.watched.store.close())
        self.runner.close()
        shutil.rmtree(self.directory)


TestStoresAgree = StoresAgree.TestCase
TestStoresAgree.settings = settings(max_examples=examples(30), stateful_step_count=20, deadline=None)
