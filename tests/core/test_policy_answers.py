"""Answers that are remembered are those that Cedar would give again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.policy_kit import SCHEMA, call_of, facts_of, good, local_time, shard_of, tool_of

from ringfence.core.policy.answers import LONGEST, MOST, Answers
from ringfence.core.policy.shard import Evaluation, Shard, evaluate

ON_REFUND = 'forbid (principal, action == Action::"payments.refund", resource)'
BIG = f'@id("big") {ON_REFUND} when {{ context.arguments.amount > 50 }};'
NIGHT = f'@id("night") {ON_REFUND} when {{ context.time.hour < 7 }};'
BUSY = f'@id("busy") {ON_REFUND} when {{ context.run.calls_used > 3 }};'
ASKED_BY = '@id("other") forbid (principal == Agent::"lookup", action == Action::"payments.refund", resource);'
TAGGED = f'@id("tagged") {ON_REFUND} when {{ context.arguments has tags && context.arguments.tags.contains("x") }};'
WHOLE = f'@id("whole") {ON_REFUND} when {{ context == context }};'
HOUR = 3_600_000


def shard(text: str, schema: Mapping[str, Any] = SCHEMA) -> Shard:
    made = shard_of(good(text), schema=schema)
    assert isinstance(made, Shard)
    return made


def ask(of: Shard, amount: object, *, hour: int = 12, used: int = 0, agent: str = "support", **more: Any) -> Evaluation:
    now = hour * HOUR
    call = call_of({"amount": amount, **more}, agent=agent)
    return evaluate(of, call, facts_of(None, now=now, used=used, tool=tool_of()), local_time(now))


CALLS = st.tuples(
    st.sampled_from([1, 50, 51, 51.0, True, "51", 2**53 - 1]),
    st.integers(0, 23),
    st.integers(0, 5),
    st.sampled_from(["support", "lookup"]),
    st.sampled_from([{}, {"tags": []}, {"tags": ["x"]}, {"tags": "x"}, {"order": "n1"}]),
)


@pytest.mark.requirement("I16")
@given(st.lists(CALLS, max_size=12))
def test_a_shard_with_a_memory_answers_as_one_without(calls: list[tuple[object, int, int, str, dict[str, Any]]]) -> None:
    text = BIG + NIGHT + BUSY + ASKED_BY + TAGGED
    long_used = shard(text)
    for amount, hour, used, agent, more in calls:
        first, again, alone = (
            ask(one, amount, hour=hour, used=used, agent=agent, **more) for one in (long_used, long_used, shard(text))
        )
        assert first == again == alone


def test_what_no_policy_looks_at_makes_no_new_question() -> None:
    one = shard(BIG)
    for hour in range(24):
        ask(one, 20, hour=hour, used=hour, order=f"n{hour}")
    assert len(one.answers) == 1


@pytest.mark.parametrize(("text", "questions"), [(BIG, 1), (NIGHT, 2), (BUSY, 2), (BIG + NIGHT + BUSY, 4)])
def test_what_a_policy_looks_at_does(text: str, questions: int) -> None:
    one = shard(text)
    for hour in (3, 12):
        for used in (0, 9):
            ask(one, 20, hour=hour, used=used)
    assert len(one.answers) == questions


def test_a_fault_is_never_remembered() -> None:
    one = shard(BIG)
    assert ask(one, 1.5).fault
    overflowing = shard(f'@id("sum") {ON_REFUND} when {{ context.arguments.amount + 9223372036854775807 > 0 }};')
    assert ask(overflowing, 1).fault
    assert not len(one.answers)
    assert not len(overflowing.answers)


def test_a_policy_on_the_whole_context_is_asked_each_time() -> None:
    one = shard(WHOLE, {"type": "object", "properties": {"amount": {"type": "integer"}}})
    assert [policy.id for policy in ask(one, 1).forbidding] == ["whole"]
    assert one.beside is None
    assert not len(one.answers)


def test_memory_is_bounded_in_number_and_in_length() -> None:
    kept = Answers[int]()
    for number in range(MOST + 10):
        kept.keep(number, number, 1)
    assert len(kept) == MOST
    assert kept.of(9) is None
    assert kept.of(MOST + 9) == MOST + 9
    kept.keep("long", 1, LONGEST + 1)
    assert kept.of("long") is None
