"""Whatever runs read, hand over and take, in any order: what arrives is at least as untrusted and confidential as what its
child had been given, unless its schema leaves no room for text; and each child hands over once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule
from tests.effort import examples

from ringfence.core.labelling import REFUSED
from ringfence.core.model.grant import SpawnCaps
from ringfence.core.model.identifiers import RunId
from ringfence.core.model.label import CLEAN, Label, join_all
from ringfence.core.model.profile import Sensitivity, Trust
from ringfence.core.own_tools.result_schema import MOST_RESULT_BYTES
from ringfence.engine.outcome import Outcome, Returned, ServerFailed
from ringfence.testing.scenario import READ, SUPPORT, shop_rules, tool_rule
from ringfence.testing.world import World

HAND = "ringfence__handoff"
FREE = {"type": "object", "properties": {"n": {}}, "additionalProperties": False}
TYPED = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
READS = {
    "get": Label(Trust.UNTRUSTED, Sensitivity.PUBLIC),
    "note": Label(Trust.TRUSTED, Sensitivity.CONFIDENTIAL),
    "boom": Label(Trust.TRUSTED, Sensitivity.INTERNAL),
}
VALUES = st.one_of(
    st.integers(-5, 5),
    st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=20),
    st.integers(MOST_RESULT_BYTES - 20, MOST_RESULT_BYTES + 20).map(lambda size: "x" * size),
)
LABELS = st.builds(Label, st.sampled_from(list(Trust)), st.sampled_from(list(Sensitivity)))


@dataclass(eq=False)
class Known:
    """A run as the model has it."""

    credential: str
    run: str
    schema: dict[str, Any] | None
    above: Known | None
    own: Label = CLEAN
    handed: tuple[Any, Label] | None = None
    """Its result, and what it had been given when it handed it over."""
    open: bool = True
    chain: list[Known] = field(default_factory=list["Known"])

    def __post_init__(self) -> None:
        self.chain = [self, *(self.above.chain if self.above is not None else [])]

    @property
    def effective(self) -> Label:
        return join_all(link.own for link in self.chain)

    @property
    def lives(self) -> bool:
        return all(link.open for link in self.chain)


async def a_world() -> World:
    tools = tuple(
        tool_rule(f"orders.{name}", replace(READ, trust=label.integrity, sensitivity=label.confidentiality))
        for name, label in READS.items()
    )
    rules = shop_rules(tools=tools)
    support = replace(rules.agents[SUPPORT], delegate=SpawnCaps(depth=4, children=6, tree=20))
    rules = replace(rules, agents={**rules.agents, SUPPORT: support})
    return await World.build(rules=rules)


class Handoffs(RuleBasedStateMachine):
    """Random lives of a tree of runs."""

    runs: Bundle[Known] = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = self.loop.run_until_complete(a_world())

    def teardown(self) -> None:
        self.loop.close()

    def call(self, run: Known, name: str, arguments: dict[str, Any]) -> Outcome:
        return self.loop.run_until_complete(self.world.call(run.credential, name, arguments))

    def label_of(self, run: Known) -> Label:
        found = self.loop.run_until_complete(self.world.store.run(RunId(run.run)))
        assert found is not None
        return found.label

    @initialize(target=runs)
    def root(self) -> Known:
        opened = self.loop.run_until_complete(self.world.open_run())
        return Known(opened.credential, opened.run.id, None, None)

    @rule(target=runs, parent=runs, schema=st.sampled_from([FREE, TYPED, None]))
    def opens(self, parent: Known, schema: dict[str, Any] | None) -> Any:
        asked = {"task": "x", **({"result_schema": schema} if schema is not None else {})}
        outcome = self.call(parent, "ringfence__delegate", asked)
        if not isinstance(outcome, Returned):
            return multiple()
        found = outcome.result["structuredContent"]
        # What its parent knows by then may be in its task.
        return Known(found["credential"], found["run"], schema, parent, own=parent.effective)

    @rule(run=runs, name=st.sampled_from(sorted(READS)))
    def reads(self, run: Known, name: str) -> None:
        outcome = self.call(run, f"orders__{name}", {"order": "A", **({"text": "x"} if name == "note" else {})})
        assert isinstance(outcome, Returned | ServerFailed) == run.lives
        if run.lives:
            failed = REFUSED if name == "boom" else CLEAN
            run.own = run.own.joined(READS[name]).joined(failed)

    @rule(run=runs, value=VALUES, claim=st.none() | LABELS)
    def hands_over(self, run: Known, value: Any, claim: Label | None) -> None:
        outcome = self.call(run, HAND, {"result": {"n": value}, **({"label": claim.view()} if claim is not None else {})})
        fits = run.schema == FREE or (run.schema == TYPED and isinstance(value, int))
        fits = fits and not (isinstance(value, str) and len(value) + len('{"n":""}') > MOST_RESULT_BYTES and value[0] == "x")
        honest = claim is None or claim.covers(run.effective)
        again = run.handed is not None and run.handed[0] == value
        accepted = run.lives and honest and run.schema is not None and (again if run.handed is not None else fits)
        assert isinstance(outcome, Returned) == accepted, (outcome, run)
        if accepted and run.handed is None:
            run.handed = (value, run.effective.joined(claim or CLEAN))

    @rule(run=runs, child=runs)
    def takes(self, run: Known, child: Known) -> None:
        before = self.label_of(run)
        outcome = self.call(run, HAND, {"from": child.run})
        may = run.lives and child.above is run and child.schema is not None
        assert isinstance(outcome, Returned) == may
        if not isinstance(outcome, Returned):
            assert self.label_of(run) == before
            return
        found = outcome.result["structuredContent"]
        assert found["handed"] == (child.handed is not None)
        if child.handed is None:
            return
        value, label = child.handed
        assert found["result"] == {"n": value}
        after = self.label_of(run)
        assert after.covers(before)
        assert after.covers(Label(Trust.TRUSTED, label.confidentiality))
        if child.schema != TYPED:
            assert after.covers(label)
        run.own = after

    @rule(run=runs)
    def closes(self, run: Known) -> None:
        if run.above is not None:
            self.loop.run_until_complete(self.world.runs.close(RunId(run.run), by="operator:ada", why="done"))
            run.open = False

    @rule(run=runs)
    def is_never_less_than_what_it_was_given(self, run: Known) -> None:
        assert self.label_of(run) == run.own


Handoffs.TestCase.settings = settings(
    max_examples=examples(120), stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestHandoffs = pytest.mark.requirement("I10", "I11")(Handoffs.TestCase)
