"""What every `Store` promises about what child runs hand over: once, to the run above, with the label of that moment.

class TestMyStore(HandoffContract):
    @pytest.fixture
    async def store(self): ...          # a new, empty store
"""

from __future__ import annotations

from dataclasses import replace

from ringfence.core.model.handoff import Handoff
from ringfence.core.model.identifiers import CallId, RunId
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.profile import Sensitivity, Trust
from ringfence.core.model.run import Run
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.records.retention import KEPT_MS
from ringfence.core.records.unit import HANDED_ROOM, CloseRun, JoinLabel, OpenRun, Prune, PutHandoff, Unit
from ringfence.ports.store import Store
from ringfence.testing.contracts.samples import a_run, an_entry, opening
from ringfence.testing.contracts.store import accept, refuse

SCHEMA = '{"type":"object"}'
UNTRUSTED = Label(Trust.UNTRUSTED, Sensitivity.INTERNAL)
SECRET = Label(Trust.TRUSTED, Sensitivity.CONFIDENTIAL)


def a_handoff(
    run: str = "child", *, parent: str = "root", root: str = "root", result: str = "{}", label: Label = CLEAN
) -> Handoff:
    return Handoff(run=RunId(run), parent=RunId(parent), root=RunId(root), call=CallId("c1"), at=7, result=result, label=label)


def handing(handoff: Handoff) -> Unit:
    return Unit((an_entry("handed over"),), (PutHandoff(handoff),))


def owing(name: str = "child", *, ancestors: tuple[str, ...] = ("root",)) -> Run:
    return replace(a_run(name, ancestors=ancestors), result_schema=SCHEMA)


async def a_pair(store: Store) -> None:
    await accept(store, opening("root"), Unit((), (OpenRun(owing(), None),)))


class HandoffContract:
    """Every test takes one empty store."""

    async def test_a_schema_comes_back_with_its_run_and_its_parent_expects_something(self, store: Store) -> None:
        await accept(store, opening("root"), opening("other", ancestors=("root",)))
        assert not await store.expects(RunId("root"))
        await accept(store, Unit((), (OpenRun(owing(), None),)))
        assert await store.run(RunId("child")) == owing()
        assert await store.expects(RunId("root"))
        assert not await store.expects(RunId("child"))

    async def test_a_parent_still_expects_the_result_of_a_child_that_has_ended(self, store: Store) -> None:
        await a_pair(store)
        await accept(store, Unit((), (CloseRun(RunId("child")),)))
        assert await store.expects(RunId("root"))

    async def test_what_was_handed_over_comes_back_as_it_was(self, store: Store) -> None:
        await a_pair(store)
        assert await store.handoff(RunId("child")) is None
        handed = replace(a_handoff(result='{"name":"ångström"}', label=UNTRUSTED), is_typed=True)
        await accept(store, handing(handed))
        assert await store.handoff(RunId("child")) == handed
        assert await store.handoff(RunId("root")) is None

    async def test_a_run_hands_over_once(self, store: Store) -> None:
        await a_pair(store)
        await accept(store, handing(a_handoff(result="1")))
        await refuse(store, handing(a_handoff(result="2")), ReasonCode.HANDOFF)
        kept = await store.handoff(RunId("child"))
        assert kept is not None
        assert kept.result == "1"

    async def test_only_an_open_child_hands_over_and_only_to_the_run_above_it(self, store: Store) -> None:
        await a_pair(store)
        await accept(store, opening("elsewhere"))
        await refuse(store, handing(a_handoff(parent="elsewhere", root="elsewhere")), ReasonCode.HANDOFF)
        await refuse(store, handing(a_handoff("root", parent="root")), ReasonCode.HANDOFF)
        await refuse(store, handing(a_handoff("nobody")), ReasonCode.RUN_CLOSED)
        await accept(store, Unit((), (CloseRun(RunId("child")),)))
        await refuse(store, handing(a_handoff()), ReasonCode.RUN_CLOSED)

    async def test_it_carries_what_the_run_and_those_above_were_given_until_then(self, store: Store) -> None:
        await a_pair(store)
        await accept(store, Unit((), (JoinLabel(RunId("child"), UNTRUSTED), JoinLabel(RunId("root"), SECRET))))
        await accept(store, handing(a_handoff(label=CLEAN)))
        await accept(store, Unit((), (JoinLabel(RunId("child"), Label(confidentiality=Sensitivity.REGULATED)),)))
        kept = await store.handoff(RunId("child"))
        assert kept is not None
        assert kept.label == Label(Trust.UNTRUSTED, Sensitivity.CONFIDENTIAL)

    async def test_a_tree_keeps_so_much_and_no_more(self, store: Store) -> None:
        await a_pair(store)
        await accept(store, Unit((), (OpenRun(owing("second"), None),)), Unit((), (OpenRun(owing("third"), None),)))
        large = f'"{"x" * (HANDED_ROOM - 100)}"'
        await accept(store, handing(a_handoff(result=large)))
        await refuse(store, handing(a_handoff("second", result=f'"{"x" * 200}"')), ReasonCode.HANDOFF)
        await accept(store, handing(a_handoff("third", result="1")))

    async def test_it_is_kept_as_long_as_the_run_that_may_take_it(self, store: Store) -> None:
        await a_pair(store)
        await accept(store, handing(a_handoff()), Unit((), (CloseRun(RunId("child"), 10),)))
        await accept(store, Unit((), (Prune(10 + 2 * KEPT_MS),)))
        assert await store.handoff(RunId("child")) is not None
        await accept(store, Unit((), (CloseRun(RunId("root"), 20 + 2 * KEPT_MS),)))
        await accept(store, Unit((), (Prune(20 + 3 * KEPT_MS),)))
        assert await store.handoff(RunId("child")) is None
        assert await store.run(RunId("child")) is None
        assert not await store.expects(RunId("root"))
