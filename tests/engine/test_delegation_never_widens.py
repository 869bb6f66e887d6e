"""Whatever is opened, narrowed, delegated, renewed and closed, no run does through the engine what a run above could not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule
from tests.effort import examples

from ringfence.core.model.condition import Condition, Operation
from ringfence.core.model.grant import Grant, SpawnCaps
from ringfence.core.model.identifiers import AgentId, RunId, ToolId
from ringfence.engine.outcome import Refused, Returned
from ringfence.engine.runs.runs import NotDone, Opened
from ringfence.testing.scenario import READER, SUPPORT, shop_rules
from ringfence.testing.world import World

GET, NOTE, BOOM = ToolId("orders.get"), ToolId("orders.note"), ToolId("orders.boom")
TOOLS = (GET, NOTE, BOOM)
ORDERS = ("A", "B", "C")
ARGUMENTS: dict[ToolId, dict[str, Any]] = {GET: {}, NOTE: {"text": "x"}, BOOM: {}}
CAPS = SpawnCaps(depth=4, children=4, tree=12)

Bounds = dict[ToolId, tuple[tuple[str, ...], ...]]
"""Per tool, lists of orders; every one of them has to name the order."""

tool_sets = st.none() | st.frozensets(st.sampled_from(TOOLS))
bounds = st.dictionaries(
    st.sampled_from(TOOLS),
    st.frozensets(st.sampled_from(ORDERS)).map(lambda orders: (tuple(sorted(orders)),)),
    max_size=2,
)
agents = st.sampled_from([SUPPORT, READER])
calls = st.none() | st.integers(1, 2)
lives = st.none() | st.integers(1, 30)


@dataclass(frozen=True)
class Known:
    """A run as the model has it: what it was asked to have, and the run above it."""

    credential: str
    run: str
    agent: AgentId
    tools: frozenset[ToolId] | None
    bounds: Bounds
    calls: int | None
    until: int | None
    above: Known | None

    def chain(self) -> list[Known]:
        return [self, *(self.above.chain() if self.above is not None else [])]

    def may(self, tool: ToolId, order: str, now: int) -> bool:
        """By what this run alone was asked to have."""
        configured = {SUPPORT: frozenset(TOOLS), READER: frozenset({GET})}
        return (
            tool in configured[self.agent]
            and (self.tools is None or tool in self.tools)
            and all(order in allowed for allowed in self.bounds.get(tool, ()))
            and (self.until is None or now < self.until)
        )


class Delegating(RuleBasedStateMachine):
    """One world; the model knows nothing of narrowing, only who stands above whom."""

    runs: Bundle[Known] = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        rules = shop_rules()
        may = {name: replace(agent, delegate=CAPS) for name, agent in rules.agents.items()}
        self.world = self.do(World.build(rules=replace(rules, agents=may)))
        self.made: dict[str, int] = {}
        self.known: dict[str, Known] = {}

    def do(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.loop.close()

    def keep(self, known: Known) -> Known:
        self.known[known.run] = known
        return known

    @initialize(target=runs, agent=agents)
    def a_root(self, agent: AgentId) -> Known:
        opened = self.do(self.world.open_run(agent))
        return self.keep(Known(opened.credential, opened.run.id, agent, None, {}, None, None, None))

    @rule(
        target=runs, above=runs, agent=st.sampled_from([SUPPORT, READER]), tools=tool_sets, bound=bounds, most=calls, life=lives
    )
    def an_operator_opens(
        self,
        above: Known,
        agent: AgentId,
        tools: frozenset[ToolId] | None,
        bound: Bounds,
        most: int | None,
        life: int | None,
    ) -> Any:
        until = None if life is None else self.world.clock.now() + life * 1000
        conditions = {
            tool: tuple(Condition("/order", Operation.IN, orders) for orders in lists) for tool, lists in bound.items()
        }
        asked = Grant(tools=tools, bounds=conditions, calls=most, until=until)
        opened: Opened | NotDone = self.do(
            self.world.runs.open(agent, "x", by="operator:ada", trusted=True, parent=RunId(above.run), asked=asked)
        )
        if isinstance(opened, NotDone):
            return multiple()
        return self.keep(Known(opened.credential, opened.run.id, agent, tools, bound, most, until, above))

    @rule(target=runs, above=runs, tools=tool_sets, bound=bounds, most=calls, life=lives)
    def an_agent_delegates(
        self,
        above: Known,
        tools: frozenset[ToolId] | None,
        bound: Bounds,
        most: int | None,
        life: int | None,
    ) -> Any:
        listed = [
            {"tool": tool, "argument": "/order", "op": "in", "value": list(orders)}
            for tool, lists in bound.items()
            for orders in lists
        ]
        given = {"tools": None if tools is None else sorted(tools), "bounds": listed, "calls": most, "ttl_s": life}
        now = self.world.clock.now()
        arguments = {"task": "x", **{name: value for name, value in given.items() if value is not None}}
        outcome = self.do(self.world.call(above.credential, "ringfence__delegate", arguments))
        if not isinstance(outcome, Returned):
            return multiple()
        self._count(above)
        answer = outcome.result["structuredContent"]
        until = None if life is None else now + life * 1000
        return self.keep(Known(answer["credential"], answer["run"], above.agent, tools, bound, most, until, above))

    @rule(run=runs, order=st.sampled_from(ORDERS))
    def its_tools_are_tried(self, run: Known, order: str) -> None:
        for tool in TOOLS:
            self._try(run, tool, order)

    def _try(self, run: Known, tool: ToolId, order: str) -> None:
        now, wire = self.world.clock.now(), tool.replace(".", "__")
        outcome = self.do(self.world.call(run.credential, wire, {"order": order, **ARGUMENTS[tool]}))
        if isinstance(outcome, Refused):
            return
        for link in run.chain():
            assert link.may(tool, order, now), f"{run.run} did {tool} of {order}, which {link.run} may not"
        self._count(run)
        for link in run.chain():
            assert link.calls is None or self.made[link.run] <= link.calls, f"{link.run} has made {self.made[link.run]} calls"

    @rule(run=runs)
    def a_renewal(self, run: Known) -> None:
        self.do(self.world.runs.renew(RunId(run.run), run.credential))

    @rule(seconds=st.integers(1, 60))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(seconds * 1000)
        self.do(self.world.housekeeping.look_at_time())

    @rule(run=runs, often=st.integers(0, 4))
    def a_close(self, run: Known, often: int) -> None:
        if often:
            return
        self.do(self.world.runs.close(RunId(run.run), by="operator:ada", why="done"))
        for other in list(self.known.values()):
            if run in other.chain():
                assert isinstance(self.do(self.world.call(other.credential, "orders__get", {"order": "A"})), Refused)

    def _count(self, run: Known) -> None:
        for link in run.chain():
            self.made[link.run] = self.made.get(link.run, 0) + 1


Delegating.TestCase.settings = settings(
    max_examples=examples(150), stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestDelegating = pytest.mark.requirement("I11")(Delegating.TestCase)
