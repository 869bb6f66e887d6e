"""What every `Store` promises about trees of runs: grants come back as they were, and caps hold exactly.

class TestMyStore(TreeContract):
    @pytest.fixture
    async def store(self): ...          # a new, empty store
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

from ringfence.core.model.condition import Condition, Operation
from ringfence.core.model.grant import Grant, SpawnCaps
from ringfence.core.model.identifiers import RunId, ToolId
from ringfence.core.model.run import Run
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.records.unit import CloseRun, Conflict, ExtendRun, OpenRun, Prune, Unit
from ringfence.ports.store import Store
from ringfence.testing.contracts.samples import TOOL, a_run, opening
from ringfence.testing.contracts.store import accept, refuse

CAPS = SpawnCaps(depth=2, children=3, tree=6)
WIDE = SpawnCaps(depth=9, children=9, tree=9)
GRANT = Grant(
    tools=frozenset({TOOL, ToolId("orders.get")}),
    bounds={
        TOOL: (
            Condition("/amount", Operation.LE, 50),
            Condition("/rate", Operation.LT, 0.5),
            Condition("/kind", Operation.IN, ("a", 1, True, 2.5)),
        )
    },
    calls=7,
    depth=1,
    until=90_000,
)


def spawning(run: Run, caps: SpawnCaps = CAPS) -> Unit:
    return Unit((), (OpenRun(run, None, caps),))


def closing(name: str) -> Unit:
    return Unit((), (CloseRun(RunId(name)),))


class TreeContract:
    """Every test takes one empty store."""

    async def test_a_grant_comes_back_as_it_was(self, store: Store) -> None:
        given = replace(a_run(), grant=GRANT)
        await accept(store, spawning(given))
        assert await store.run(RunId("run-1")) == given

    async def test_the_caps_of_a_tree_hold_and_a_closed_run_makes_room(self, store: Store) -> None:
        await accept(store, opening("root"))
        for name in ("a", "b", "c"):
            await accept(store, spawning(a_run(name, ancestors=("root",))))
        await refuse(store, spawning(a_run("d", ancestors=("root",))), ReasonCode.SPAWN_CAP)
        for name in ("a1", "a2"):
            await accept(store, spawning(a_run(name, ancestors=("a", "root"))))
        await refuse(store, spawning(a_run("b1", ancestors=("b", "root"))), ReasonCode.SPAWN_CAP)
        await accept(store, closing("a2"), spawning(a_run("b1", ancestors=("b", "root"))))
        await refuse(store, spawning(a_run("b2", ancestors=("b", "root"))), ReasonCode.SPAWN_CAP)
        await accept(store, closing("b1"))
        await refuse(store, spawning(a_run("deep", ancestors=("a1", "a", "root"))), ReasonCode.SPAWN_CAP)

    async def test_a_grant_without_generations_to_follow_has_no_child(self, store: Store) -> None:
        await accept(store, spawning(replace(a_run("root"), grant=Grant(depth=1))))
        await accept(store, spawning(replace(a_run("child", ancestors=("root",)), grant=Grant(depth=0))))
        await refuse(store, spawning(a_run("late", ancestors=("child", "root"))), ReasonCode.SPAWN_CAP)

    async def test_a_thousand_openings_at_once_at_a_cap_open_exactly_as_many_as_it_says(self, store: Store) -> None:
        await accept(store, opening("root"), opening("other"))
        caps = SpawnCaps(depth=1, children=1000, tree=41)
        units = [spawning(a_run(f"c{n}", ancestors=("root",)), caps) for n in range(1000)]
        answers = await asyncio.gather(*(store.record(unit) for unit in units))
        codes = Counter(answer.code if isinstance(answer, Conflict) else None for answer in answers)
        assert codes == {None: 40, ReasonCode.SPAWN_CAP: 960}
        await accept(store, spawning(a_run("elsewhere", ancestors=("other",)), caps))

    async def test_nothing_follows_a_run_whose_ancestor_has_ended(self, store: Store) -> None:
        passing = replace(a_run("brief", ancestors=("root",)), expires_at=500)
        await accept(store, opening("root"), spawning(passing), opening("below", ancestors=("brief", "root"), credential="b"))
        late = a_run("late", ancestors=("below", "brief", "root"), opened_at=500)
        await refuse(store, spawning(late, WIDE), ReasonCode.RUN_EXPIRED)
        await accept(store, closing("root"))
        await refuse(store, Unit((), (ExtendRun(RunId("below"), "b", 9999),)), ReasonCode.RUN_CLOSED)
        await refuse(store, spawning(replace(late, opened_at=1), WIDE), ReasonCode.RUN_CLOSED)

    async def test_what_was_forgotten_is_not_counted(self, store: Store) -> None:
        gone = replace(a_run("gone", ancestors=("root",)), expires_at=500)
        caps = SpawnCaps(depth=1, children=1, tree=2)
        await accept(store, opening("root"), spawning(gone, caps))
        await refuse(store, spawning(a_run("next", ancestors=("root",)), caps), ReasonCode.SPAWN_CAP)
        await accept(store, Unit((), (Prune(90_000_000),)), spawning(a_run("next", ancestors=("root",)), caps))
