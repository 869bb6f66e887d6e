"""What every `Store` promises about labels: they rise with what is under way, never fall by themselves, and survive.

class TestMyStore(LabelContract):
    @pytest.fixture
    async def store(self): ...          # a new, empty store
"""

from __future__ import annotations

from dataclasses import replace

from ringfence.core.model.identifiers import CallId, RunId
from ringfence.core.model.label import CLEAN, Label, agent_place, memory_place
from ringfence.core.model.profile import Sensitivity, Trust
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.model.words import Words
from ringfence.core.records.unit import (
    WORDS_MOST,
    WORDS_ROOM,
    AddStop,
    AddWords,
    CloseRun,
    JoinLabel,
    JoinPlace,
    LowerLabel,
    LowerPlace,
    OpenRun,
    Reserve,
    Settle,
    Unit,
)
from ringfence.ports.store import Store
from ringfence.testing.contracts.samples import AGENT, SERVER, TOOL, a_run, a_stop
from ringfence.testing.contracts.store import accept, refuse

UNTRUSTED = Label(Trust.UNTRUSTED)
SECRET = Label(Trust.TRUSTED, Sensitivity.CONFIDENTIAL)
BOTH = Label(Trust.UNTRUSTED, Sensitivity.CONFIDENTIAL)
RUN = RunId("run-1")
AGENTS, MEMORY = agent_place(AGENT), memory_place(SERVER)


def opening(name: str = "run-1", *, by: str = "operator:ada", above: tuple[str, ...] = (), label: Label = CLEAN) -> Unit:
    return Unit((), (OpenRun(replace(a_run(name, ancestors=above), opened_by=by, label=label), None),))


def calling(call: str, brings: Label | None, run: str = "run-1") -> Unit:
    return Unit((), (Reserve(CallId(call), TOOL, ((RunId(run), None),), brings=brings),))


def doing(*changes: JoinLabel | LowerLabel | JoinPlace | LowerPlace | AddWords | Settle | CloseRun | AddStop) -> Unit:
    return Unit((), changes)


def saying(text: str) -> AddWords:
    return AddWords(RUN, Words(text, "operator:ada", 5))


async def label_of(store: Store, run: str = "run-1") -> Label:
    """A run's own label."""
    found = await store.run(RunId(run))
    assert found is not None
    return found.label


class LabelContract:
    """Tests of labels of runs, of places, and of words."""

    async def test_a_new_run_is_clean_and_joins_only_rise(self, store: Store) -> None:
        await accept(store, opening())
        assert await label_of(store) == CLEAN
        for given, expected in ((SECRET, SECRET), (CLEAN, SECRET), (UNTRUSTED, BOTH), (SECRET, BOTH)):
            await accept(store, doing(JoinLabel(RUN, given)))
            assert await label_of(store) == expected

    async def test_a_closed_run_still_joins_and_an_unknown_one_does_not(self, store: Store) -> None:
        await accept(store, opening(), doing(CloseRun(RUN)), doing(JoinLabel(RUN, BOTH)))
        assert await label_of(store) == BOTH
        await refuse(store, doing(JoinLabel(RunId("never"), BOTH)))

    async def test_what_a_call_may_bring_is_there_with_its_reservation(self, store: Store) -> None:
        await accept(store, opening(), calling("c1", UNTRUSTED), calling("c2", None))
        assert await label_of(store) == UNTRUSTED
        assert {call: hold.brings for call, hold in (await store.holds()).items()} == {"c1": UNTRUSTED, "c2": None}

    async def test_a_label_falls_only_from_what_it_is(self, store: Store) -> None:
        await accept(store, opening(), doing(JoinLabel(RUN, BOTH)))
        await refuse(store, doing(LowerLabel(RUN, CLEAN, expected=UNTRUSTED)))
        assert await label_of(store) == BOTH
        await accept(store, doing(LowerLabel(RUN, SECRET, expected=BOTH)))
        assert await label_of(store) == SECRET

    async def test_nothing_is_lowered_that_is_not_open(self, store: Store) -> None:
        await accept(store, opening(), doing(JoinLabel(RUN, BOTH)), doing(CloseRun(RUN)))
        await refuse(store, doing(LowerLabel(RUN, CLEAN, expected=BOTH)), ReasonCode.RUN_CLOSED)
        await refuse(store, doing(LowerLabel(RunId("never"), CLEAN, expected=CLEAN)), ReasonCode.RUN_CLOSED)

    async def test_nothing_is_lowered_under_a_call_that_may_bring_more(self, store: Store) -> None:
        await accept(store, opening(), doing(JoinLabel(RUN, BOTH)), calling("c1", UNTRUSTED))
        await refuse(store, doing(LowerLabel(RUN, SECRET, expected=BOTH)))
        await accept(store, doing(LowerLabel(RUN, UNTRUSTED, expected=BOTH)))
        await accept(store, doing(Settle(CallId("c1"))), doing(LowerLabel(RUN, CLEAN, expected=UNTRUSTED)))
        assert await label_of(store) == CLEAN

    async def test_a_conflict_lowers_nothing_else_either(self, store: Store) -> None:
        await accept(store, opening(), opening("run-2"), doing(JoinLabel(RUN, BOTH), JoinLabel(RunId("run-2"), BOTH)))
        lowering = doing(LowerLabel(RUN, CLEAN, expected=BOTH), saying("x"), LowerLabel(RunId("run-2"), CLEAN, expected=SECRET))
        await refuse(store, lowering)
        assert (await label_of(store), await label_of(store, "run-2")) == (BOTH, BOTH)
        run = await store.run(RUN)
        assert run is not None
        assert run.words == ()

    async def test_a_child_begins_with_what_the_runs_above_it_have(self, store: Store) -> None:
        await accept(store, opening("root"), doing(JoinLabel(RunId("root"), SECRET)), opening("mid", above=("root",)))
        await accept(store, doing(JoinLabel(RunId("mid"), UNTRUSTED)), opening("leaf", above=("mid", "root")))
        assert (await label_of(store, "mid"), await label_of(store, "leaf")) == (BOTH, BOTH)

    async def test_a_run_may_begin_with_a_label(self, store: Store) -> None:
        await accept(store, opening(label=BOTH))
        assert await label_of(store) == BOTH
        assert store.label_of(AGENTS) == BOTH

    # --- places ---

    async def test_what_agents_own_runs_are_given_is_where_the_next_begins(self, store: Store) -> None:
        await accept(store, opening(by="agent:support"), doing(JoinLabel(RUN, SECRET)), calling("c1", UNTRUSTED))
        assert store.label_of(AGENTS) == BOTH
        await accept(store, opening("next", by="agent:support"), opening("theirs", by="operator:ada"))
        assert (await label_of(store, "next"), await label_of(store, "theirs")) == (BOTH, CLEAN)

    async def test_what_a_run_of_an_operators_is_given_counts_where_the_agent_opens_one_itself(self, store: Store) -> None:
        await accept(store, opening("root"), doing(JoinLabel(RunId("root"), BOTH)), opening("next", by="agent:support"))
        assert (await label_of(store, "next"), await store.labels()) == (BOTH, {AGENTS: BOTH})

    async def test_a_run_below_an_operators_begins_with_that_and_not_with_what_others_have_read(self, store: Store) -> None:
        await accept(store, opening("other"), doing(JoinLabel(RunId("other"), BOTH)), opening("root"))
        await accept(store, opening(by="agent:support", above=("root",)))
        assert await label_of(store) == CLEAN

    async def test_a_place_rises_again_with_a_run_that_has_the_label_already(self, store: Store) -> None:
        await accept(store, opening(by="agent:support"), doing(JoinLabel(RUN, BOTH)), doing(LowerPlace(AGENTS, CLEAN, BOTH)))
        assert (store.label_of(AGENTS), await label_of(store)) == (CLEAN, BOTH)
        await accept(store, calling("c1", UNTRUSTED))
        assert (store.label_of(AGENTS), await label_of(store)) == (UNTRUSTED, BOTH)

    async def test_a_place_is_lowered_only_from_what_it_is_and_under_no_call_that_may_bring_more(self, store: Store) -> None:
        await accept(store, opening(by="agent:support"), calling("c1", UNTRUSTED))
        await refuse(store, doing(LowerPlace(AGENTS, CLEAN, expected=BOTH)))
        await refuse(store, doing(LowerPlace(AGENTS, CLEAN, expected=UNTRUSTED)))
        await accept(store, doing(Settle(CallId("c1"))), doing(LowerPlace(AGENTS, CLEAN, expected=UNTRUSTED)))
        assert await store.labels() == {}

    async def test_a_memory_is_lowered_under_no_call_of_its_server(self, store: Store) -> None:
        await accept(store, opening(), doing(JoinPlace(MEMORY, BOTH)), calling("c1", None))
        assert store.label_of(MEMORY) == BOTH
        await refuse(store, doing(LowerPlace(MEMORY, CLEAN, expected=BOTH)))
        await accept(store, doing(Settle(CallId("c1"))), doing(LowerPlace(MEMORY, SECRET, expected=BOTH)))
        assert await store.labels() == {MEMORY: SECRET}

    # --- words ---

    async def test_words_are_kept_in_the_order_in_which_they_were_said(self, store: Store) -> None:
        await accept(store, opening(), doing(saying("one")), doing(saying("two")))
        run = await store.run(RUN)
        assert run is not None
        assert [words.text for words in run.words] == ["one", "two"]

    async def test_words_end_with_the_run_and_have_bounds(self, store: Store) -> None:
        await accept(store, opening(), *(doing(saying("x")) for _ in range(WORDS_MOST)))
        await refuse(store, doing(saying("y")))
        await accept(store, opening("run-2"))
        long = Words("x" * (WORDS_ROOM // 2 + 1), "operator:ada", 1)
        await accept(store, doing(AddWords(RunId("run-2"), long)))
        await refuse(store, doing(AddWords(RunId("run-2"), long)))
        await accept(store, doing(CloseRun(RunId("run-2"))))
        await refuse(store, doing(AddWords(RunId("run-2"), Words("z", "operator:ada", 1))), ReasonCode.RUN_CLOSED)

    async def test_a_stop_goes_through_whatever_its_label_would_do(self, store: Store) -> None:
        await accept(store, opening(), doing(JoinLabel(RUN, BOTH), AddStop(a_stop())))
        assert (await store.stops(), await label_of(store)) == ((a_stop(),), BOTH)
