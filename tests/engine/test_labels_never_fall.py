"""Whatever is opened, delegated, called, refused, endorsed, continued and restarted, labels fall by an operator's act alone.

The model knows nothing of units and places: only who was given what, and who answered for it.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from tests.effort import examples

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.adapters.stores.sqlite.store import SqliteStore, open_store
from ringfence.core.model.grant import SpawnCaps
from ringfence.core.model.identifiers import AgentId, RunId
from ringfence.core.model.label import CLEAN, Label, agent_place, at_least, join_all
from ringfence.core.model.operator import Operator
from ringfence.core.model.profile import Sensitivity, Trust
from ringfence.engine.outcome import Refused, Returned, ServerFailed
from ringfence.engine.people.labels import Holder, Kept, Lowered
from ringfence.engine.runs.runs import Continued, NotDone, Opened
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.scenario import ORDERS, READ, SMALL_WRITE, definition, shop_rules, shop_upstreams, tool_rule
from ringfence.testing.world import World

AGENT = AgentId("support")
CAPS = SpawnCaps(depth=4, children=6, tree=20)
UNTRUSTED = Label(Trust.UNTRUSTED)
TRUSTED_READ = replace(READ, trust=Trust.TRUSTED, sensitivity=Sensitivity.PUBLIC)
PROFILES = {
    "page": replace(READ, sensitivity=Sensitivity.PUBLIC),
    "file": replace(TRUSTED_READ, sensitivity=Sensitivity.CONFIDENTIAL),
    "ticket": READ,
    "rules": TRUSTED_READ,
    "put": replace(SMALL_WRITE, trust=Trust.TRUSTED),
}
BRINGS = {
    "page": UNTRUSTED,
    "file": Label(Trust.TRUSTED, Sensitivity.CONFIDENTIAL),
    "ticket": Label(Trust.UNTRUSTED, Sensitivity.INTERNAL),
    "rules": CLEAN,
    "put": CLEAN,
    # It is trusted, and fails: nobody vouches for what it quotes.
    "boom": UNTRUSTED,
}
RULES = shop_rules(
    tools=(
        *(tool_rule(f"orders.{name}", profile) for name, profile in PROFILES.items()),
        tool_rule("orders.boom", TRUSTED_READ),
    )
)


@dataclass(eq=False)
class Known:
    """A run as the model has it."""

    credential: str
    run: RunId
    above: Known | None
    by_operator: bool
    """An operator opened it, or one above it."""
    label: Label
    is_open: bool = True
    below: list[Known] = field(default_factory=list["Known"])

    def chain(self) -> list[Known]:
        return [self, *(self.above.chain() if self.above is not None else [])]

    @property
    def effective(self) -> Label:
        return join_all(link.label for link in self.chain())


class Labelled(RuleBasedStateMachine):
    """One gateway, that is started anew now and then on what it has kept."""

    runs: Bundle[Known] = Bundle("runs")
    on_disk: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.folder = tempfile.TemporaryDirectory(prefix="rf")
        self.store: MemoryStore | SqliteStore = MemoryStore()
        self.known: list[Known] = []
        self.place = CLEAN
        self.starts = 0
        self.start()
        self.ada: Operator = self.do(self.world.operator("ada"))

    def do(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    def start(self) -> None:
        if self.on_disk:
            self.store = self.do(open_store(Path(self.folder.name)))
        servers = shop_upstreams()
        servers[ORDERS].tools = (*servers[ORDERS].tools, *(definition(name, {}, []) for name in PROFILES))
        agents = {name: replace(agent, delegate=CAPS) for name, agent in RULES.agents.items()}
        building = World.build(
            rules=replace(RULES, agents=agents), upstreams=servers, store=(self.store, self.store), clock=self.clock
        )
        self.world: World = self.do(building)
        # Another gateway draws other names.
        self.starts += 1
        for _ in range(self.starts * 300):
            self.world.entropy.token(1)

    def teardown(self) -> None:
        self.do(self.store.close())
        self.folder.cleanup()
        self.loop.close()

    def keep(self, opened: tuple[str, RunId], above: Known | None, by_operator: bool, label: Label) -> Known:
        own = by_operator or (above is not None and above.by_operator)
        begun = join_all([label, *(link.label for link in (above.chain() if above is not None else []))])
        if not own:
            begun = begun.joined(self.place)
        self.place = self.place.joined(begun)
        known = Known(opened[0], opened[1], above, own, begun)
        self.known.append(known)
        if above is not None:
            above.below.append(known)
        return known

    def given(self, known: Known, label: Label) -> None:
        known.label = known.label.joined(label)
        self.place = self.place.joined(label)

    @initialize(target=runs)
    def a_first_run(self) -> Known:
        opened = self.do(self.world.open_run())
        return self.keep((opened.credential, opened.run.id), None, True, CLEAN)

    @rule(target=runs, above=st.none() | runs, by_operator=st.booleans())
    def a_run_is_opened(self, above: Known | None, by_operator: bool) -> Any:
        by = "operator:ada" if by_operator else "agent:support"
        opened: Opened | NotDone = self.do(
            self.world.runs.open(AGENT, "x", by=by, trusted=by_operator, parent=above.run if above else None)
        )
        if isinstance(opened, NotDone):
            return multiple()
        return self.keep((opened.credential, opened.run.id), above, by_operator, CLEAN)

    @rule(target=runs, above=runs)
    def an_agent_delegates(self, above: Known) -> Any:
        outcome = self.do(self.world.call(above.credential, "ringfence__delegate", {"task": "x"}))
        if not isinstance(outcome, Returned):
            return multiple()
        answer = outcome.result["structuredContent"]
        return self.keep((answer["credential"], RunId(answer["run"])), above, False, CLEAN)

    @rule(target=runs, other=runs, with_words=st.booleans())
    def a_run_goes_on_from_another(self, other: Known, with_words: bool) -> Any:
        continued: Continued | NotDone = self.do(self.world.labels.continued(other.run, with_words=with_words))
        assert isinstance(continued, Continued)
        assert bool(continued.words) <= with_words
        opened: Opened | NotDone = self.do(
            self.world.runs.open(AGENT, "go on", by="operator:ada", trusted=True, continues=continued)
        )
        assert isinstance(opened, Opened)
        return self.keep((opened.credential, opened.run.id), None, True, other.effective)

    @rule(known=runs, tool=st.sampled_from(list(BRINGS)))
    def a_call(self, known: Known, tool: str) -> None:
        arguments = {"order": "A"} if tool == "boom" else {}
        outcome = self.do(self.world.call(known.credential, f"orders__{tool}", arguments))
        if isinstance(outcome, Refused):
            assert not all(link.is_open for link in known.chain())
            return
        assert isinstance(outcome, Returned | ServerFailed), outcome
        self.given(known, BRINGS[tool])

    @rule(known=runs)
    def an_operator_endorses(self, known: Known) -> None:
        done: Lowered | NotDone = self.do(
            self.world.labels.endorse(Holder(Kept.RUN, known.run), operator=self.ada, reason="read it")
        )
        assert isinstance(done, Lowered) == (known.is_open and known.label.is_untrusted)
        if isinstance(done, Lowered):
            known.label = Label(Trust.TRUSTED, known.label.confidentiality)

    @rule(known=runs, to=st.sampled_from(Sensitivity))
    def an_operator_declassifies(self, known: Known, to: Sensitivity) -> None:
        done: Lowered | NotDone = self.do(
            self.world.labels.declassify(Holder(Kept.RUN, known.run), to, operator=self.ada, reason="published")
        )
        assert isinstance(done, Lowered) == (known.is_open and not at_least(to, known.label.confidentiality))
        if isinstance(done, Lowered):
            known.label = Label(known.label.integrity, to)

    @rule()
    def an_admin_endorses_what_the_agent_remembers(self) -> None:
        done: Lowered | NotDone = self.do(
            self.world.labels.endorse(Holder(Kept.AGENT, AGENT), operator=self.ada, reason="wiped")
        )
        assert isinstance(done, Lowered) == self.place.is_untrusted
        self.place = Label(Trust.TRUSTED, self.place.confidentiality)

    @rule(known=runs, often=st.integers(0, 3))
    def a_run_ends(self, known: Known, often: int) -> None:
        if often:
            return
        self.do(self.world.runs.close(known.run, by="operator:ada", why="done"))
        ending = [known]
        while ending:
            one = ending.pop()
            one.is_open = False
            ending += one.below

    @rule(known=runs)
    def a_run_is_told_something(self, known: Known) -> None:
        self.do(self.world.steering.say(known.run, "and trust it all", operator=self.ada))

    @rule()
    def it_starts_again(self) -> None:
        if self.on_disk:
            self.do(self.store.close())
        self.start()

    @invariant()
    def labels_are_what_was_given(self) -> None:
        for known in self.known:
            run = self.do(self.store.run(known.run))
            assert run.label == known.label
            if known.above is not None:
                effective = self.do(self.world.labels.effective(run))
                above = self.do(self.store.run(known.above.run))
                assert effective.covers(self.do(self.world.labels.effective(above)))
        assert self.store.label_of(agent_place(AGENT)) == self.place


class LabelledOnDisk(Labelled):
    on_disk = True


def _settings(number: int) -> settings:
    return settings(
        max_examples=examples(number), stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )


Labelled.TestCase.settings = _settings(240)
LabelledOnDisk.TestCase.settings = _settings(60)
TestLabelled = pytest.mark.requirement("I10")(Labelled.TestCase)
TestLabelledOnDisk = pytest.mark.requirement("I10")(LabelledOnDisk.TestCase)
