"""What every `Store` promises.

class TestMyStore(StoreContract):
    @pytest.fixture
    async def store(self): ...          # a new, empty store
    @pytest.fixture
    async def log(self, store): ...     # the log of that store
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

from ringfence.core.approvals.approval import LIVE
from ringfence.core.ledger.moves import held_of, used_of
from ringfence.core.model.identifiers import CallId, Digest, OperatorName, RunId, TicketId
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.operator import Role
from ringfence.core.model.pause import Pause
from ringfence.core.model.run import RunState
from ringfence.core.model.stop import ScopeKind, StopMode
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.records.entry import ENTRY_LIMIT
from ringfence.core.records.state import Account
from ringfence.core.records.unit import (
    AddStop,
    AddTicket,
    CastVote,
    CloseRun,
    Conflict,
    ExtendRun,
    LiftStop,
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
from ringfence.ports.audit import AuditLog
from ringfence.ports.store import Receipt, Store
from ringfence.testing.contracts.samples import (
    TOOL,
    a_charge,
    a_credential,
    a_pin,
    a_reach,
    a_run,
    a_stop,
    a_ticket,
    a_vote,
    an_entry,
    an_operator,
    opening,
    reserving,
)

PENDING = frozenset({TicketState.PENDING})


async def accept(store: Store, *units: Unit) -> Receipt:
    """Record units that have to be accepted; returns the last receipt, journaled."""
    receipt: Receipt | Conflict | None = None
    for unit in units:
        receipt = await store.record(unit)
        assert not isinstance(receipt, Conflict), receipt.detail
    assert receipt is not None
    await receipt.journaled()
    return receipt


async def refuse(store: Store, unit: Unit, code: ReasonCode | None = None) -> None:
    """Record a unit that has to be refused."""
    answer = await store.record(unit)
    assert isinstance(answer, Conflict)
    assert answer.code is code
    assert answer.detail


async def fails(ask: Awaitable[object]) -> None:
    """Await what has to raise UnavailableError."""
    try:
        answer = await ask
    except UnavailableError:
        return
    raise AssertionError(f"it answered: {answer}")


def adding(*names: str) -> Unit:
    """Entries and nothing else."""
    return Unit(tuple(an_entry(name) for name in names))


class StoreContract:
    """Tests of runs, credentials, the ledger, tickets, stops and operators."""

    # --- units ---

    async def test_entries_get_dense_places_in_the_order_of_acceptance(self, store: Store) -> None:
        first = await accept(store, adding("a", "b"))
        second = await accept(store, adding("c"))
        assert (first.first_seq, second.first_seq) == (0, 2)

    async def test_a_unit_is_durable_after_its_receipt_says_so(self, store: Store) -> None:
        receipt = await accept(store, opening())
        await receipt.durable()
        await receipt.durable()
        await receipt.journaled()

    async def test_an_accepted_unit_is_visible_before_it_is_journaled(self, store: Store) -> None:
        receipt = await store.record(opening())
        assert await store.run(RunId("run-1")) == a_run()
        assert not isinstance(receipt, Conflict)
        await receipt.durable()

    async def test_a_unit_with_one_failing_change_changes_nothing(self, store: Store) -> None:
        await accept(store, opening())
        unit = Unit(
            (an_entry("both"),),
            (Reserve(CallId("c1"), TOOL, ((RunId("run-1"), None),)), AddStop(a_stop()), Settle(CallId("never held"))),
        )
        await refuse(store, unit)
        assert await store.account(RunId("run-1")) == Account()
        assert await store.holds() == {}
        assert await store.stops() == ()
        assert (await accept(store, adding("next"))).first_seq == 1

    async def test_a_unit_without_entries_is_accepted(self, store: Store) -> None:
        await accept(store, opening(), Unit((), (AddStop(a_stop()),)))
        assert await store.stops() == (a_stop(),)

    async def test_an_entry_over_the_limit_is_turned_away(self, store: Store) -> None:
        await fails(store.record(adding("x" * ENTRY_LIMIT)))
        assert (await accept(store, adding("next"))).first_seq == 0

    async def test_a_stop_whose_entry_is_over_the_limit_still_holds(self, store: Store) -> None:
        await accept(store, Unit((an_entry("x" * ENTRY_LIMIT),), (AddStop(a_stop()),)))
        assert store.stops_on(a_reach()) == (a_stop(),)

    async def test_text_of_every_kind_comes_back_as_it_was(self, store: Store, log: AuditLog) -> None:
        texts = ["ångström", "\u202egnp.exe", "a\u0000b", '"quoted" \\ slash', "line\nbreak", "🦊"]
        await accept(store, adding(*texts), Unit((), (AddStop(a_stop(reason="".join(texts))),)))
        assert [record.leaf for record in [r async for r in log.leaves(0, 10)]] == [
            an_entry(text).leaf(seq) for seq, text in enumerate(texts)
        ]
        assert (await store.stops())[0].reason == "".join(texts)

    # --- runs and credentials ---

    async def test_open_runs_come_oldest_first(self, store: Store) -> None:
        await accept(store, opening("b", opened_at=2), opening("a", opened_at=3), opening("c", opened_at=1))
        await accept(store, Unit((), (CloseRun(RunId("a")),)))
        assert [run.id for run in await store.runs()] == ["c", "b"]

    async def test_a_run_id_is_used_once(self, store: Store) -> None:
        await accept(store, opening())
        await refuse(store, opening())
        await accept(store, Unit((), (CloseRun(RunId("run-1")),)))
        await refuse(store, opening())

    async def test_a_child_run_needs_an_open_parent(self, store: Store) -> None:
        await refuse(store, opening("child", ancestors=("run-1",)), ReasonCode.RUN_CLOSED)
        await accept(store, opening(), opening("child", ancestors=("run-1",)), Unit((), (CloseRun(RunId("run-1")),)))
        await refuse(store, opening("late", ancestors=("run-1",)), ReasonCode.RUN_CLOSED)

    async def test_a_credential_keeps_whom_it_is_bound_to(self, store: Store) -> None:
        bound = a_credential("bound", binding="uid:1000")
        await accept(store, opening(credential="free"), opening("other"), Unit((), (PutCredential(bound),)))
        await accept(store, Unit((), (ExtendRun(RunId("run-1"), "bound", 9999),)))
        assert {(c.hash, c.binding) for c in await store.credentials(RunId("run-1"))} == {("free", ""), ("bound", "uid:1000")}
        assert await store.credential("bound") == replace(bound, expires_at=9999)
        assert await store.credentials(RunId("other")) == ()

    async def test_closing_a_run_revokes_all_its_credentials(self, store: Store) -> None:
        await accept(
            store,
            opening(credential="first"),
            opening("other", credential="others"),
            Unit((), (PutCredential(a_credential("second")),)),
            Unit((), (CloseRun(RunId("run-1")),)),
        )
        revoked = [await store.credential(name) for name in ("first", "second", "others")]
        assert [known is not None and known.revoked for known in revoked] == [True, True, False]
        run = await store.run(RunId("run-1"))
        assert run is not None
        assert run.state is RunState.CLOSED
        await refuse(store, Unit((), (CloseRun(RunId("run-1")),)), ReasonCode.RUN_CLOSED)
        await refuse(store, Unit((), (PutCredential(a_credential("third")),)), ReasonCode.RUN_CLOSED)
        await refuse(store, Unit((), (ExtendRun(RunId("run-1"), "first", 9999),)), ReasonCode.RUN_CLOSED)

    async def test_a_credential_that_moved_to_another_run_stays_when_the_first_is_closed(self, store: Store) -> None:
        await accept(store, opening("old", credential="h"), opening("new", credential="h"))
        await accept(store, Unit((), (CloseRun(RunId("old")),)))
        assert await store.credential("h") == a_credential("h", run="new")

    async def test_extending_moves_the_expiry_of_run_and_credential(self, store: Store) -> None:
        await accept(store, opening(credential="first"), Unit((), (ExtendRun(RunId("run-1"), "first", 9999),)))
        run, credential = await store.run(RunId("run-1")), await store.credential("first")
        assert run is not None
        assert credential is not None
        assert (run.expires_at, credential.expires_at) == (9999, 9999)

    async def test_what_nobody_recorded_is_not_there(self, store: Store) -> None:
        assert await store.run(RunId("none")) is None
        assert await store.credential("none") is None
        assert await store.ticket(TicketId("none")) is None
        assert await store.account(RunId("none")) == Account()
        assert await store.call_state(RunId("none"), a_reach("none"), Digest("d")) is None

    # --- the ledger ---

    async def test_settle_spends_and_release_gives_back(self, store: Store) -> None:
        await accept(store, opening(), *(reserving(f"c{n}", ("run-1", 3)) for n in range(3)))
        assert set(await store.holds()) == {"c0", "c1", "c2"}
        assert (await store.holds())["c0"].tool == TOOL
        await accept(store, Unit((), (Settle(CallId("c0")),)), Unit((), (Release(CallId("c1")),)))
        assert await store.account(RunId("run-1")) == Account(held=1, spent=1)
        await refuse(store, Unit((), (Settle(CallId("c0")),)))
        await refuse(store, Unit((), (Release(CallId("c0")),)))
        await refuse(store, reserving("c2", ("run-1", None)))
        await accept(store, reserving("c3", ("run-1", 3)))
        await refuse(store, reserving("c4", ("run-1", 3)), ReasonCode.CALL_CAP)

    async def test_a_thousand_reservations_at_a_cap_of_a_hundred_grant_a_hundred(self, store: Store) -> None:
        await accept(store, opening())
        answers = await asyncio.gather(*(store.record(reserving(f"c{n}", ("run-1", 100))) for n in range(1000)))
        refused = [answer for answer in answers if isinstance(answer, Conflict)]
        assert len(refused) == 900
        assert {answer.code for answer in refused} == {ReasonCode.CALL_CAP}
        await asyncio.gather(*(answer.durable() for answer in answers if not isinstance(answer, Conflict)))
        assert await store.account(RunId("run-1")) == Account(held=100)

    async def test_the_cap_of_an_ancestor_bounds_its_whole_subtree(self, store: Store) -> None:
        children = [f"child-{n}" for n in range(5)]
        await accept(store, opening("root"), *(opening(child, ancestors=("root",)) for child in children))
        tries = (reserving(f"{child}/{n}", (child, 60), ("root", 100)) for n in range(200) for child in children)
        answers = await asyncio.gather(*(store.record(unit) for unit in tries))
        assert sum(not isinstance(answer, Conflict) for answer in answers) == 100
        assert await store.account(RunId("root")) == Account(held=100)
        held = [(await store.account(RunId(child))).held for child in children]
        assert sum(held) == 100
        assert max(held) <= 60

    async def test_an_account_that_was_read_does_not_change_later(self, store: Store) -> None:
        await accept(store, opening())
        before = await store.account(RunId("run-1"))
        await accept(store, reserving("c1", ("run-1", None)))
        assert before == Account()

    async def test_a_meter_is_held_settled_and_released_with_its_call(self, store: Store) -> None:
        day = a_charge("sum:agent/support:t/amount@86400s", MeterKind.SUM, cap=100, amount=60, span=86_400_000)
        own = a_charge("rows:run/run-1:all", MeterKind.ROWS, cap=10, amount=0)
        await accept(store, opening(), reserving("c1", ("run-1", None), charges=(day, own), at=1000))
        await refuse(store, reserving("c2", ("run-1", None), charges=(day,), at=1000), ReasonCode.SUM_CAP)
        await accept(store, Unit((), (Settle(CallId("c1"), 2000, ((own.meter, 12),)),)))
        await refuse(store, reserving("c3", ("run-1", None), charges=(own,), at=3000), ReasonCode.ROWS_CAP)
        small = replace(day, amount=40)
        await accept(store, reserving("c4", ("run-1", None), charges=(small,), at=3000))
        await accept(store, Unit((), (Release(CallId("c4"), 3000),)))
        meters = await store.meters([day.meter, own.meter, "sum:agent/nobody:x"])
        assert [None if meter is None else (used_of(meter, 3000), held_of(meter)) for meter in meters] == [
            (60, 0),
            (12, 0),
            None,
        ]

    async def test_a_thousand_reservations_at_every_kind_of_cap_grant_what_it_bears(self, store: Store) -> None:
        await accept(store, opening())
        kinds = {
            a_charge("open:tool/t:all", MeterKind.OPEN, cap=70): (70, ReasonCode.CONCURRENCY),
            a_charge("rate:agent/a:all", MeterKind.RATE, cap=50, span=60_000_000): (50, ReasonCode.RATE_LIMIT),
            a_charge("sum:run/run-1:t/x", MeterKind.SUM, cap=100, amount=7): (14, ReasonCode.SUM_CAP),
            a_charge("rows:run/run-1:all", MeterKind.ROWS, cap=100, amount=30): (3, ReasonCode.ROWS_CAP),
            a_charge("leaving:run/run-1:bytes", MeterKind.LEAVING, cap=100, amount=9): (11, ReasonCode.LEAVING_CAP),
            a_charge("spend:run/run-1:all", MeterKind.SPEND, cap=100, amount=9): (11, ReasonCode.SPEND_CAP),
            a_charge("tokens:team/t:all@60s", MeterKind.TOKENS, cap=100, amount=8, span=60_000): (12, ReasonCode.TOKEN_CAP),
            a_charge("model_calls:agent/a:all@60s", MeterKind.MODEL_CALLS, cap=9, span=60_000): (9, ReasonCode.MODEL_CALL_CAP),
            a_charge("streams:gateway:all", MeterKind.STREAMS, cap=40): (40, ReasonCode.CONCURRENCY),
            a_charge("actions:run/run-1:all", MeterKind.ACTIONS, cap=25): (25, ReasonCode.STOP_CONDITION),
            a_charge("lines:run/run-1:all", MeterKind.LINES, cap=100, amount=9): (11, ReasonCode.LINES_CAP),
        }
        for charge, (granted, code) in kinds.items():
            units = [reserving(f"{charge.meter}/{n}", ("run-1", None), charges=(charge,), at=1000) for n in range(1000)]
            answers = await asyncio.gather(*(store.record(unit) for unit in units))
            assert {answer.code for answer in answers if isinstance(answer, Conflict)} == {code}
            assert sum(not isinstance(answer, Conflict) for answer in answers) == granted

    async def test_a_request_to_a_model_is_held_at_its_most_settled_at_its_price_and_is_no_call_of_the_run(
        self, store: Store
    ) -> None:
        spend = a_charge("spend:run/run-1:all", MeterKind.SPEND, cap=100, amount=60)
        streams = a_charge("streams:agent/a:all", MeterKind.STREAMS, cap=9)
        asked = reserving("m1", ("run-1", 0), charges=(spend, streams), counts=False)
        await accept(store, opening(), asked)
        assert (await store.holds())[CallId("m1")].runs == (RunId("run-1"),)
        await refuse(store, reserving("m2", ("run-1", 0), charges=(spend,), counts=False), ReasonCode.SPEND_CAP)
        await refuse(store, reserving("c1", ("run-1", 0)), ReasonCode.CALL_CAP)
        await accept(store, Unit((), (Settle(CallId("m1"), 2000, ((spend.meter, 41),)),)))
        meters = await store.meters([spend.meter, streams.meter])
        assert [None if meter is None else (used_of(meter, 3000), held_of(meter)) for meter in meters] == [(41, 0), None]
        assert await store.account(RunId("run-1")) == Account()
        await accept(store, reserving("m3", ("run-1", 0), charges=(replace(spend, amount=59),), counts=False))
        await accept(store, Unit((), (Release(CallId("m3"), 3000),)))
        assert await store.account(RunId("run-1")) == Account()

    async def test_different_values_are_counted_once_each(self, store: Store) -> None:
        await accept(store, opening())
        for n, (value, fits) in enumerate([("a", True), ("a", True), ("b", True), ("c", False), ("b", True)]):
            charge = replace(a_charge("distinct:agent/a:t/to@60s", MeterKind.DISTINCT, cap=2, span=60_000), values=(value,))
            unit = reserving(f"c{n}", ("run-1", None), charges=(charge,), at=1000)
            if fits:
                await accept(store, unit)
            else:
                await refuse(store, unit, ReasonCode.DISTINCT_CAP)

    async def test_different_files_of_a_run_are_counted_once_each_several_in_one_call(self, store: Store) -> None:
        await accept(store, opening())
        known: list[tuple[tuple[str, ...], bool]] = [
            (("a", "b"), True),
            (("b", "c"), True),
            (("d",), False),
            (("a", "c"), True),
        ]
        for n, (values, fits) in enumerate(known):
            charge = replace(a_charge("files:run/run-1:all", MeterKind.FILES, cap=3), values=values)
            unit = reserving(f"c{n}", ("run-1", None), charges=(charge,), at=1000)
            if fits:
                await accept(store, unit, Unit((), (Settle(CallId(f"c{n}"), 1000),)))
            else:
                await refuse(store, unit, ReasonCode.FILES_CAP)

    async def test_a_raise_is_added_and_a_child_gets_no_more_than_its_parent_has_left(self, store: Store) -> None:
        await accept(store, opening(), opening("child", ancestors=("run-1",)))
        await accept(store, reserving("c1", ("child", 1), ("run-1", 5)))
        caps = (("child", 1), ("run-1", 5))
        await refuse(store, Unit((), (Raise(RunId("child"), None, 5, caps),)))
        await accept(store, Unit((), (Raise(RunId("child"), None, 4, caps),)))
        assert await store.account(RunId("child")) == Account(held=1, extra=4)
        await accept(store, *(reserving(f"d{n}", ("child", 1), ("run-1", 5)) for n in range(4)))
        await refuse(store, reserving("d4", ("child", 1), ("run-1", 5)), ReasonCode.CALL_CAP)
        await refuse(store, Unit((), (Raise(RunId("run-1"), None, 1, (("run-1", None),)),)))
        rows = a_charge("rows:run/run-1:all", MeterKind.ROWS, cap=1)
        await accept(store, Unit((), (Raise(RunId("run-1"), MeterKind.ROWS, 1, ((rows.meter, 1),)),)))
        await accept(store, *(reserving(f"e{n}", ("run-1", None), charges=(rows,)) for n in range(2)))
        await refuse(store, reserving("e2", ("run-1", None), charges=(rows,)), ReasonCode.ROWS_CAP)
        await accept(store, Unit((), (CloseRun(RunId("run-1"), 1),)))
        await refuse(store, Unit((), (Raise(RunId("run-1"), None, 1, (("run-1", 5),)),)), ReasonCode.RUN_CLOSED)

    async def test_what_is_over_is_forgotten_and_what_may_still_count_is_kept(self, store: Store) -> None:
        day = 86_400_000
        minute = a_charge("sum:agent/a:t/x@60s", MeterKind.SUM, cap=100, span=60_000)
        rows = a_charge("rows:run/done:all", MeterKind.ROWS, cap=9)
        await accept(
            store,
            opening("parent", credential="p"),
            opening("child", ancestors=("parent",)),
            opening("done", credential="d"),
            opening("busy"),
            reserving("c1", ("done", None), charges=(minute, rows), at=1000),
            Unit((), (Settle(CallId("c1"), 1000), AddTicket(a_ticket("old", run="done")))),
            Unit((), (AddTicket(a_ticket("live", digest="d2", run="child")),)),
            Unit((), (MoveTicket(TicketId("old"), LIVE, TicketState.WITHDRAWN, 1500, "over"),)),
            reserving("c2", ("busy", None)),
            *(Unit((), (CloseRun(RunId(run), 2000),)) for run in ("parent", "done", "busy")),
        )
        await accept(store, Unit((), (Prune(2000 + day - 1),)))
        assert await store.run(RunId("done")) is not None
        assert await store.meters([minute.meter]) == (None,)
        for _ in range(2):
            await accept(store, Unit((), (Prune(9000 + day),)))
            kept = [await store.run(RunId(run)) is not None for run in ("parent", "child", "done", "busy")]
            assert kept == [True, True, False, True]
            assert [await store.credential(name) is not None for name in ("p", "d")] == [False, False]
            assert [await store.ticket(TicketId(name)) is not None for name in ("old", "live")] == [False, True]
            assert await store.account(RunId("done")) == Account()
            assert await store.meters([rows.meter]) == (None,)
        await accept(store, opening("done"))

    # --- tickets ---

    async def test_two_hundred_votes_at_once_give_one_outcome(self, store: Store) -> None:
        await accept(store, opening(), Unit((), (AddTicket(a_ticket()),)))
        votes = [CastVote(TicketId("ticket-1"), a_vote(f"operator-{n}", approve=n % 2 == 0)) for n in range(200)]
        answers = await asyncio.gather(*(store.record(Unit((an_entry("vote"),), (vote,))) for vote in votes))
        assert sum(not isinstance(answer, Conflict) for answer in answers) == 1
        ticket = await store.ticket(TicketId("ticket-1"))
        assert ticket is not None
        assert len(ticket.votes) == 1
        assert ticket.state is (TicketState.APPROVED if ticket.votes[0].approve else TicketState.DENIED)

    async def test_a_quorum_needs_distinct_operators(self, store: Store) -> None:
        vote = Unit((), (CastVote(TicketId("ticket-1"), a_vote("ada")),))
        await accept(store, opening(), Unit((), (AddTicket(a_ticket(quorum=2)),)), vote)
        await refuse(store, vote)
        assert [ticket.id for ticket in await store.tickets(PENDING)] == ["ticket-1"]
        await accept(store, Unit((), (CastVote(TicketId("ticket-1"), a_vote("bob")),)))
        assert [ticket.id for ticket in await store.tickets(frozenset({TicketState.APPROVED}))] == ["ticket-1"]

    async def test_votes_come_in_time_and_only_on_what_can_be_shown(self, store: Store) -> None:
        tickets = (a_ticket("hidden", digest="d2", approvable=False), a_ticket())
        await accept(store, opening(), *(Unit((), (AddTicket(ticket),)) for ticket in tickets))
        await refuse(store, Unit((), (CastVote(TicketId("ticket-1"), a_vote(at=9000)),)))
        await refuse(store, Unit((), (CastVote(TicketId("hidden"), a_vote()),)))
        await refuse(store, Unit((), (CastVote(TicketId("none"), a_vote()),)))
        await accept(store, Unit((), (CastVote(TicketId("hidden"), a_vote(approve=False)),)))

    async def test_an_approved_ticket_is_consumed_once(self, store: Store) -> None:
        ticket = TicketId("ticket-1")
        await accept(store, opening(), Unit((), (AddTicket(a_ticket()),)))
        consume = MoveTicket(ticket, frozenset({TicketState.APPROVED}), TicketState.CONSUMED, 2500, "executed")
        await refuse(store, Unit((), (consume,)))
        await accept(store, Unit((), (CastVote(ticket, a_vote()),)))
        calls = [Unit((), (consume, Reserve(CallId(f"c{n}"), TOOL, ((RunId("run-1"), None),)))) for n in range(50)]
        answers = await asyncio.gather(*(store.record(unit) for unit in calls))
        assert sum(not isinstance(answer, Conflict) for answer in answers) == 1
        assert await store.account(RunId("run-1")) == Account(held=1)
        final = await store.ticket(ticket)
        assert final is not None
        assert (final.state, final.closed_at, final.closed_why) == (TicketState.CONSUMED, 2500, "executed")
        await refuse(store, Unit((), (MoveTicket(ticket, LIVE, TicketState.WITHDRAWN, 2600, "late"),)))

    async def test_one_pending_ticket_a_digest_and_a_successor_in_the_same_unit(self, store: Store) -> None:
        await accept(store, opening(), Unit((), (AddTicket(a_ticket()),)))
        await refuse(store, Unit((), (AddTicket(a_ticket("again")),)))
        await refuse(store, Unit((), (AddTicket(a_ticket(digest="other")),)))
        withdraw = MoveTicket(TicketId("ticket-1"), LIVE, TicketState.WITHDRAWN, 1500, "replaced")
        await accept(store, Unit((), (withdraw, AddTicket(a_ticket("again", created_at=1500)))))
        state = await store.call_state(RunId("run-1"), a_reach(), Digest("digest-1"))
        assert state is not None
        assert state.ticket == a_ticket("again", created_at=1500)
        assert state.pending == (a_ticket("again", created_at=1500),)

    async def test_tickets_come_oldest_first(self, store: Store) -> None:
        times = {"t1": 30, "t2": 10, "t3": 20}
        await accept(store, opening())
        for name, at in times.items():
            await accept(store, Unit((), (AddTicket(a_ticket(name, digest=name, created_at=at)),)))
        assert [ticket.id for ticket in await store.tickets(PENDING)] == ["t2", "t3", "t1"]
        state = await store.call_state(RunId("run-1"), a_reach(), Digest("none"))
        assert state is not None
        assert [ticket.id for ticket in state.pending] == ["t2", "t3", "t1"]

    # --- stops ---

    async def test_stops_cover_what_is_in_their_scope(self, store: Store) -> None:
        stops = {
            "agent": a_stop("agent", kind=ScopeKind.AGENT, target="support"),
            "run": a_stop("run", kind=ScopeKind.RUN, target="root"),
            "server": a_stop("server", kind=ScopeKind.SERVER, target="orders"),
            "tool": a_stop("tool", kind=ScopeKind.TOOL, target="orders.refund", agent="support"),
            "others": a_stop("others", kind=ScopeKind.TOOL, target="orders.refund", agent="billing"),
        }
        await accept(store, *(Unit((an_entry("stop"),), (AddStop(stop),)) for stop in stops.values()))
        assert {stop.id for stop in store.stops_on(a_reach("child", "root"))} == {"agent", "run", "server", "tool"}
        assert {stop.id for stop in store.stops_on(a_reach("another"))} == {"agent", "server", "tool"}
        assert {stop.id for stop in await store.stops()} == set(stops)

    async def test_a_stop_holds_before_its_receipt_is_awaited(self, store: Store) -> None:
        receipt = await store.record(Unit((), (AddStop(a_stop()),)))
        assert store.stops_on(a_reach()) == (a_stop(),)
        assert not isinstance(receipt, Conflict)
        await receipt.durable()

    async def test_a_stop_is_lifted_once(self, store: Store) -> None:
        lift = Unit((), (LiftStop("stop-1"),))
        await refuse(store, lift)
        await accept(store, Unit((), (AddStop(a_stop()),)), lift)
        assert store.stops_on(a_reach()) == ()
        await refuse(store, lift)

    async def test_a_pause_of_runs_is_kept_when_it_is_over_and_no_other_stop_is(self, store: Store) -> None:
        pauses = [replace(a_stop(name), mode=StopMode.PAUSE) for name in ("first", "second", "since", "unknown")]
        tool = replace(a_stop("tool", kind=ScopeKind.TOOL, target="orders.refund"), mode=StopMode.PAUSE)
        await accept(store, Unit((), tuple(AddStop(stop) for stop in (*pauses, tool, a_stop("kill")))))
        lifted = {"second": 4000, "first": 5000, "tool": 5000, "kill": 5000, "unknown": 0}
        await accept(store, *(Unit((), (LiftStop(name, at),)) for name, at in lifted.items()))
        kept = (
            Pause(id="second", scope=pauses[1].scope, since=3000, until=4000),
            Pause(id="first", scope=pauses[0].scope, since=3000, until=5000),
        )
        assert await store.pauses() == kept
        await accept(store, Unit((), (OpenRun(a_run(opened_at=4500), None),)))
        state = await store.call_state(RunId("run-1"), a_reach(), Digest("d"))
        assert state is not None
        assert state.pauses == kept
        await accept(store, Unit((), (Prune(6000),)))
        assert await store.pauses() == kept[1:]

    # --- operators ---

    async def test_operators_are_added_replaced_and_removed(self, store: Store) -> None:
        ada, bob = an_operator("ada"), an_operator("bob", role=Role.APPROVER)
        await accept(store, Unit((), (PutOperator(ada, new=True),)), Unit((), (PutOperator(bob, new=True),)))
        await refuse(store, Unit((), (PutOperator(bob, new=True),)))
        admin = an_operator("bob", role=Role.ADMIN)
        await accept(store, Unit((), (PutOperator(admin, new=False),)))
        assert await store.operators() == {"ada": ada, "bob": admin}
        await accept(store, Unit((), (RemoveOperator(OperatorName("ada")),)))
        assert await store.operators() == {"bob": admin}
        await refuse(store, Unit((), (RemoveOperator(OperatorName("ada")),)))
        await refuse(store, Unit((), (RemoveOperator(OperatorName("bob")),)))
        await accept(store, Unit((), (PutOperator(ada, new=True),)))

    # --- pins ---

    async def test_a_pin_is_taken_once_and_replaced_only_by_who_knows_it(self, store: Store) -> None:
        first, second = a_pin(), a_pin(digest="digest-2")
        await accept(store, Unit((), (PutPin(first, None),)))
        await refuse(store, Unit((), (PutPin(second, None),)))
        await refuse(store, Unit((), (PutPin(second, Digest("digest-3")),)))
        assert await store.pins() == (first,)
        await accept(store, Unit((), (PutPin(second, first.digest),)))
        assert await store.pins() == (second,)

    async def test_pins_of_two_eras_servers_and_names_stand_side_by_side(self, store: Store) -> None:
        pins = (a_pin(), a_pin(era="legacy"), a_pin("get"), a_pin(server="payments"))
        await accept(store, *(Unit((), (PutPin(pin, None),)) for pin in pins))
        assert set(await store.pins()) == set(pins)

    async def test_a_pin_that_loses_the_race_takes_its_unit_with_it(self, store: Store) -> None:
        await accept(store, Unit((), (PutPin(a_pin(), None),)))
        unit = Unit((an_entry("pinned"),), (PutPin(a_pin("get"), None), PutPin(a_pin(digest="digest-2"), None)))
        await refuse(store, unit)
        assert await store.pins() == (a_pin(),)

    # --- one look ---

    async def test_the_state_of_a_call_is_one_consistent_look(self, store: Store) -> None:
        await accept(
            store,
            opening("root"),
            opening("child", ancestors=("root",)),
            reserving("c1", ("child", None), ("root", None)),
            Unit((), (AddStop(a_stop(kind=ScopeKind.RUN, target="root")),)),
            Unit((), (AddTicket(a_ticket(run="child")),)),
        )
        state = await store.call_state(RunId("child"), a_reach("child", "root"), Digest("digest-1"))
        assert state is not None
        assert [run.id for run in state.chain] == ["child", "root"]
        assert state.accounts == (Account(held=1), Account(held=1))
        assert [stop.id for stop in state.stops] == ["stop-1"]
        assert state.ticket == a_ticket(run="child")
        assert state.pending == (a_ticket(run="child"),)

    async def test_nothing_is_degraded(self, store: Store) -> None:
        assert store.is_degraded() == ""

    async def test_a_closed_store_answers_nothing(self, store: Store) -> None:
        await accept(store, opening())
        await store.close()
        await store.close()
        await fails(store.run(RunId("run-1")))
        await fails(store.stops())
        await fails(store.pins())
        await fails(store.record(opening("late")))
        try:
            stops = store.stops_on(a_reach())
        except UnavailableError:
            return
        raise AssertionError(f"it answered: {stops}")

    async def test_a_child_may_be_opened_with_its_first_reservation(self, store: Store) -> None:
        unit = Unit((), (OpenRun(a_run(), None), Reserve(CallId("c1"), TOOL, ((RunId("run-1"), 1),))))
        await accept(store, unit)
        assert await store.account(RunId("run-1")) == Account(held=1)
