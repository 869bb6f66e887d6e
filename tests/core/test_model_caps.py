"""Requests to models: whose meters they are charged to, and that no cap is ever passed over a whole tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.model_caps_kit import DAY, SUPPORT, an_agent, caps, chain_of, plan_for, rules_for, tree
from tests.effort import examples

from ringfence.core.framing import frame_unknown
from ringfence.core.ledger.charges import charges_of, meters_of, plan_of
from ringfence.core.ledger.model_caps import Room, model_charges, model_plan_of, room_of, settled_at
from ringfence.core.ledger.moves import held_of, used_of
from ringfence.core.model.identifiers import AgentId, CallId, RunId, ToolId
from ringfence.core.model.meter import Charge, MeterKind
from ringfence.core.model.model_use import MODEL, MOST_COUNTED, NOTHING_USED, ModelCap, ModelUse
from ringfence.core.records.state import State, apply
from ringfence.core.records.unit import Conflict, Release, Reserve, Settle, Unit
from ringfence.core.rules import ToolRule
from ringfence.testing.contracts.samples import TOOL, opening
from ringfence.testing.scenario import READ

SPEND, TOKENS, IN, OUT = MeterKind.SPEND, MeterKind.TOKENS, MeterKind.TOKENS_IN, MeterKind.TOKENS_OUT
CALLS, STREAMS = MeterKind.MODEL_CALLS, MeterKind.STREAMS
USE = ModelUse(micro=900, tokens_in=70, tokens_out=30)
RULE = ToolRule(id=ToolId("model.messages"), server=MODEL, upstream_name="messages", profile=READ)


def by_meter(charges: tuple[Charge, ...]) -> dict[str, tuple[int, int]]:
    """The amount and the cap on each meter, which is charged once."""
    assert len({charge.meter for charge in charges}) == len(charges)
    return {charge.meter: (charge.amount, charge.cap) for charge in charges}


def test_a_cap_without_a_window_is_of_the_run_and_every_run_above_it_and_one_with_it_of_its_owner() -> None:
    rules = rules_for(
        an_agent(
            caps((SPEND, 5000), (SPEND, 9000, DAY), (TOKENS, 800), (IN, 500), (OUT, 300), (CALLS, 7), streams=4), team="care"
        ),
        everybody=caps((SPEND, 99_000, DAY), (TOKENS, 1000), streams=50),
        teams={"care": caps((SPEND, 20_000, DAY), streams=9), "other": caps((SPEND, 1, DAY))},
    )
    found = by_meter(tuple(model_charges(plan_for(rules), chain_of(rules, "child", "root"), USE)))
    assert found == {
        "spend:run/child:all": (900, 5000),
        "spend:run/root:all": (900, 5000),
        "spend:agent/support:all@86400s": (900, 9000),
        "spend:team/care:all@86400s": (900, 20_000),
        "spend:gateway:all@86400s": (900, 99_000),
        "tokens:run/child:all": (100, 800),
        "tokens:run/root:all": (100, 800),
        "tokens:run/child:gateway/all": (100, 1000),
        "tokens:run/root:gateway/all": (100, 1000),
        "tokens_in:run/child:all": (70, 500),
        "tokens_in:run/root:all": (70, 500),
        "tokens_out:run/child:all": (30, 300),
        "tokens_out:run/root:all": (30, 300),
        "model_calls:run/child:all": (1, 7),
        "model_calls:run/root:all": (1, 7),
        "streams:gateway:all": (1, 50),
        "streams:team/care:all": (1, 9),
        "streams:agent/support:all": (1, 4),
    }


def test_a_run_is_charged_under_the_caps_of_each_agent_above_it() -> None:
    searcher = AgentId("searcher")
    rules = rules_for(an_agent(caps((SPEND, 100))), an_agent(caps(), name=searcher))
    found = by_meter(
        tuple(model_charges(plan_for(rules, searcher), chain_of(rules, "child", "root", agents=(searcher, SUPPORT)), USE))
    )
    assert found == {"spend:run/root:all": (900, 100)}


def test_what_nobody_caps_has_no_plan() -> None:
    rules = rules_for(an_agent(caps()))
    assert model_plan_of(rules, rules.agents[SUPPORT]) is None
    assert plan_of(rules, rules.agents[SUPPORT], RULE) is None


def test_the_nearest_word_on_making_answers_shorter_counts() -> None:
    some = caps((SPEND, 1, DAY))
    said = rules_for(an_agent(replace(some, shrinks=False)), everybody=replace(some, shrinks=True))
    unsaid = rules_for(an_agent(some), everybody=replace(some, shrinks=True))
    assert [plan_for(rules).shrinks for rules in (said, unsaid, rules_for(an_agent(some)))] == [False, True, False]


@pytest.mark.requirement("I3")
def test_a_request_whose_most_is_not_known_cannot_be_counted() -> None:
    rules = rules_for(an_agent(caps((SPEND, 100))))
    plan = plan_of(rules, rules.agents[SUPPORT], RULE)
    assert plan is not None
    chain = chain_of(rules, "r1")
    call = frame_unknown(CallId("c1"), SUPPORT, RunId("r1"), "messages", {})
    assert charges_of(plan, call, chain) == ((), ("nothing bounds what the request may use",))
    charges, faults = charges_of(plan, call, chain, use=USE)
    assert (len(charges), faults) == (1, ())
    assert [charge.meter for charge in meters_of(plan, chain)] == ["spend:run/r1:all"]


def test_it_is_settled_at_what_it_used_and_stays_one_call() -> None:
    rules = rules_for(an_agent(caps((SPEND, 5000), (TOKENS, 800), (IN, 500), (OUT, 300), (CALLS, 7), streams=4)))
    charges = tuple(model_charges(plan_for(rules), chain_of(rules, "r1"), USE))
    assert dict(settled_at(charges, ModelUse(micro=12, tokens_in=3, tokens_out=2, calls=0))) == {
        "spend:run/r1:all": 12,
        "tokens:run/r1:all": 5,
        "tokens_in:run/r1:all": 3,
        "tokens_out:run/r1:all": 2,
    }


def test_what_generates_nothing_is_no_request_and_no_stream() -> None:
    rules = rules_for(an_agent(caps((CALLS, 1), (SPEND, 1), streams=1)))
    assert {charge.amount for charge in model_charges(plan_for(rules), chain_of(rules, "r1"), NOTHING_USED)} == {0}


def test_the_room_is_that_of_the_tightest_cap_and_never_below_nothing() -> None:
    rules = rules_for(an_agent(caps((SPEND, 5000), (SPEND, 4000, DAY), (OUT, 20))))
    charges = tuple(model_charges(plan_for(rules), chain_of(rules, "r1"), USE))
    room = room_of(charges, [None] * len(charges), 1)
    assert room == Room(4000, None, None, 20)
    assert not room.has(USE)
    assert room.has(ModelUse(micro=4000, tokens_in=10**9, tokens_out=20))


@pytest.mark.parametrize(
    "made",
    [
        lambda: ModelUse(micro=-1, tokens_in=0, tokens_out=0),
        lambda: ModelUse(micro=0, tokens_in=MOST_COUNTED, tokens_out=1),
        lambda: ModelCap(MeterKind.SUM, 1),
        lambda: ModelCap(SPEND, -1),
    ],
)
def test_what_cannot_be_counted_is_no_value(made: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"a request uses|no cap on"):
        made()


@dataclass(frozen=True)
class Try:
    """One request somewhere in the tree: at most so much, and what came of it."""

    place: int
    most: int
    tokens: int
    ends: str
    share: int
    """Of the most, in percent."""


LINES = tree(20, 5)
tries = st.builds(
    Try,
    place=st.integers(0, len(LINES) - 1),
    most=st.integers(0, 900),
    tokens=st.integers(0, 90),
    ends=st.sampled_from(["settled", "unknown", "released", "open"]),
    share=st.integers(0, 100),
)


@pytest.mark.requirement("I7")
@settings(max_examples=examples(150), deadline=None)
@given(st.lists(tries, min_size=1, max_size=60), st.integers(0, 6000), st.integers(0, 600), st.integers(1, 12))
def test_no_cap_is_passed_over_a_tree_and_every_meter_says_what_happened(
    asked: list[Try], cap: int, tokens: int, streams: int
) -> None:
    rules = rules_for(an_agent(caps((SPEND, cap), (TOKENS, tokens), (SPEND, cap * 2, DAY), (CALLS, 25), streams=streams)))
    plan, state = plan_for(rules), State()
    for line in LINES:
        assert apply(state, opening(line[0], ancestors=line[1:])) is None
    spent: Counter[str] = Counter()
    held: Counter[str] = Counter()
    limits: dict[str, int] = {}
    open_charges: list[tuple[str, tuple[Charge, ...], Try]] = []
    for number, one in enumerate(asked):
        line = LINES[one.place]
        use = ModelUse(micro=one.most, tokens_in=one.tokens // 2, tokens_out=one.tokens - one.tokens // 2)
        charges = tuple(model_charges(plan, chain_of(rules, *line), use))
        limits |= {charge.meter: charge.cap for charge in charges}
        chain = tuple((RunId(run), None) for run in line)
        reserved = apply(state, Unit((), (Reserve(CallId(f"c{number}"), TOOL, chain, charges, 1, counts=False),)))
        would = all(spent[each.meter] + held[each.meter] + each.amount <= each.cap for each in charges)
        assert (reserved is None) == would
        if isinstance(reserved, Conflict):
            continue
        held.update({each.meter: each.amount for each in charges})
        open_charges.append((f"c{number}", charges, one))
        if one.ends != "open":
            finish(state, open_charges.pop(), held, spent)
        for meter, most in limits.items():
            kept = state.meters.get(meter)
            assert (used_of(kept, 1) if kept else 0) == spent[meter] + held[meter] <= most
            assert (held_of(kept) if kept else 0) == held[meter]
    assert state.accounts == {}


def finish(state: State, one: tuple[str, tuple[Charge, ...], Try], held: Counter[str], spent: Counter[str]) -> None:
    """What comes of a request, in the state and in the books beside it."""
    name, charges, said = one
    used = ModelUse(
        micro=said.most * said.share // 100,
        tokens_in=said.tokens // 2 * said.share // 100,
        tokens_out=(said.tokens - said.tokens // 2) * said.share // 100,
    )
    actual = settled_at(charges, used) if said.ends == "settled" else ()
    change = Release(CallId(name), 1) if said.ends == "released" else Settle(CallId(name), 1, actual)
    assert apply(state, Unit((), (change,))) is None
    for charge in charges:
        held[charge.meter] -= charge.amount
        if said.ends != "released" and charge.kind is not STREAMS:
            spent[charge.meter] += dict(actual).get(charge.meter, charge.amount)
