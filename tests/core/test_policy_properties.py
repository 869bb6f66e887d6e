"""No forbid is ever lost: whatever stands beside it, wherever it lands, whatever the call holds.

The same policies are evaluated by Cedar in the tool's shard, by Cedar all together, and by a model that is written here.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.policy_kit import (
    BALANCE,
    NOTE,
    PROFILE,
    REFUND,
    call_of,
    facts_of,
    good,
    shard_of,
    snapshot_of,
    tool_of,
    unsharded,
)
from tests.core.policy_model import Node, Rule, decide
from tests.effort import examples

from ringfence.core.checks.policy import policy
from ringfence.core.model.identifiers import ToolId
from ringfence.core.model.profile import Effect
from ringfence.core.model.verdict import Level, ReasonCode, Verdict
from ringfence.core.policy.argument_types import RecordOf, arguments_of
from ringfence.core.policy.shard import Broken, Shard
from ringfence.core.policy.values import NotHeldError, record_value

FEW = settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TOOLS = (REFUND, BALANCE, NOTE)
words = st.sampled_from(["A-1", "A-2", "B", ""])
longs = st.one_of(st.integers(-3, 60), st.sampled_from([2**53 - 1, -(2**53), 2**40, 2**62]))
number = st.recursive(
    st.one_of(st.tuples(st.just("long"), longs), st.just(("amount",)), st.just(("hour",))),
    lambda inner: st.tuples(st.sampled_from(["+", "-", "*"]), inner, inner),
    max_leaves=4,
)
truth: st.SearchStrategy[Node] = st.recursive(
    st.one_of(
        st.tuples(st.sampled_from(["<", "<=", "==", "!="]), number, number),
        st.just(("writes",)),
        st.tuples(st.just("order_is"), words),
        st.tuples(st.just("order_like"), st.sampled_from(["A", "A-", "B"])),
        st.tuples(st.just("tagged"), words),
        st.tuples(st.just("has"), st.sampled_from(["order", "tags", "to"])),
    ),
    lambda inner: st.one_of(st.tuples(st.just("not"), inner), st.tuples(st.sampled_from(["&&", "||"]), inner, inner)),
    max_leaves=6,
)
heads = st.sampled_from(
    [
        (None, None, None),
        (None, REFUND, None),
        (None, ("payments",), None),
        (None, (REFUND, NOTE), None),
        (None, ("orders", BALANCE), None),
        ("support", None, None),
        ("lookup", REFUND, None),
        (None, None, "payments"),
        (None, None, NOTE),
        ("support", ("payments",), REFUND),
    ]
)
rules = st.lists(st.tuples(heads, truth, st.sampled_from([None, None, "finance", "ops, 2"])), min_size=1, max_size=6).map(
    lambda drawn: [
        Rule(f"r{place}", principal, action, resource, condition, gate)
        for place, ((principal, action, resource), condition, gate) in enumerate(drawn)
    ]
)
calls = st.fixed_dictionaries(
    {"amount": st.one_of(st.integers(-5, 60), st.sampled_from([2**53 - 1, -(2**53) + 1, 2**40]))},
    optional={
        "order": words,
        "tags": st.lists(words, max_size=3),
        "to": st.just({"iban": "x"}),
        "anything": st.one_of(st.none(), words, st.just({"__entity": {"type": "Agent", "id": "support"}})),
    },
)


def said(verdict: Verdict) -> tuple[str, frozenset[str]]:
    names = frozenset(r.detail.split(" ")[0] for r in verdict.reasons if r.code is ReasonCode.POLICY)
    if any(reason.code is ReasonCode.POLICY_ERROR for reason in verdict.reasons):
        return "error", frozenset()
    return verdict.level.name.lower(), names


def evaluate(shard: Shard | Broken | None, tool: ToolId, arguments: dict[str, Any], agent: str, hour: int) -> Verdict:
    own = tool_of(tool)
    return policy(call_of(arguments, own, agent), facts_of(snapshot_of((tool, shard)), now=hour * 3_600_000, tool=own))


@pytest.mark.requirement("I16")
@FEW
@given(rules, st.sampled_from(TOOLS), calls, st.sampled_from(["support", "lookup"]), st.integers(0, 23))
def test_the_shard_all_policies_together_and_the_model_agree(
    drawn: list[Rule], tool: ToolId, arguments: dict[str, Any], agent: str, hour: int
) -> None:
    policies = good("\n".join(rule.text for rule in drawn))
    facts = {"hour": hour, "writes": PROFILE.effect is Effect.WRITE}
    expected = decide(drawn, agent, tool, arguments, facts)
    sharded, whole = shard_of(policies, tool), unsharded(policies, tool)
    assert not isinstance(sharded, Broken), sharded
    assert said(evaluate(sharded, tool, arguments, agent, hour)) == expected
    assert said(evaluate(whole, tool, arguments, agent, hour)) == expected
    if sharded is None:
        assert not any(rule.matches(other, tool) for rule in drawn for other in ("support", "lookup"))


@pytest.mark.requirement("I16")
@FEW
@given(rules, rules, st.randoms(use_true_random=False), st.sampled_from(TOOLS), calls, st.integers(0, 23))
def test_no_forbid_is_lost_by_what_stands_beside_it_or_by_the_order(
    drawn: list[Rule], more: list[Rule], shuffle: random.Random, tool: ToolId, arguments: dict[str, Any], hour: int
) -> None:
    others = [Rule(f"x{rule.id}", rule.principal, rule.action, rule.resource, rule.condition, rule.gate) for rule in more]
    both = [*drawn, *others]
    shuffle.shuffle(both)
    alone = evaluate(shard_of(good("\n".join(r.text for r in drawn)), tool), tool, arguments, "support", hour)
    among = evaluate(shard_of(good("\n".join(r.text for r in both)), tool), tool, arguments, "support", hour)
    assert among.level >= alone.level
    if said(among)[0] != "error":
        assert said(alone)[1] <= said(among)[1]


@pytest.mark.requirement("I3")
@FEW
@given(rules, st.sampled_from(TOOLS), calls)
def test_a_deny_is_never_softened_and_an_ask_has_every_gate(drawn: list[Rule], tool: ToolId, arguments: dict[str, Any]) -> None:
    verdict = evaluate(shard_of(good("\n".join(rule.text for rule in drawn)), tool), tool, arguments, "support", 12)
    gates = {rule.id: rule.gate for rule in drawn}
    forbidding = said(verdict)[1]
    if verdict.level is Level.ASK:
        asked = {f"{gate.group}, {gate.quorum}".removesuffix(", 1") for gate in verdict.gates}
        assert asked == {gates[name] for name in forbidding}
    elif any(gates[name] is None for name in forbidding):
        assert verdict.level is Level.DENY


finite = st.floats(-1e15, 1e15)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), finite, st.text(max_size=8))
keys = ["__entity", "__extn", "__expr", "type", "id", "fn", "arg", "amount", "order", "rate", "tags", "to", "iban"]
escapes = st.sampled_from(keys)
names = st.one_of(escapes, st.text(max_size=4))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)


def shapes(value: Any, kind: Any) -> None:
    """Every mapping in a Cedar value is a record of declared fields, or a decimal of our own making."""
    if isinstance(value, dict) and set(value) == {"__extn"}:
        assert set(value["__extn"]) == {"fn", "arg"}
        assert value["__extn"]["fn"] == "decimal"
        whole, _, places = value["__extn"]["arg"].partition(".")
        assert whole.removeprefix("-").isdigit()
        assert len(places) == 4
    elif isinstance(value, dict):
        assert isinstance(kind, RecordOf)
        assert value.keys() <= kind.fields.keys()
        for name, one in value.items():
            shapes(one, kind.fields[name].type)
    elif isinstance(value, list):
        for one in value:
            shapes(one, kind.element)
    else:
        assert isinstance(value, str | bool | int)


@pytest.mark.requirement("I16")
@settings(max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.dictionaries(escapes, values, max_size=6))
def test_raw_arguments_never_become_cedar_values(arguments: dict[str, Any]) -> None:
    declared = arguments_of(tool_of().definition["inputSchema"])
    try:
        shapes(record_value(declared, {**arguments, "amount": 1}), declared)
    except NotHeldError:
        return


@pytest.mark.requirement("I3")
@FEW
@given(st.dictionaries(escapes, values, max_size=6))
def test_whatever_the_arguments_are_a_forbid_without_a_condition_holds(arguments: dict[str, Any]) -> None:
    head = 'forbid (principal, action == Action::"payments.refund", resource)'
    text = f'@id("a") {head} when {{ context.arguments.amount <= 50 || true }};'
    tests = " || ".join(f"context.arguments has {name}" for name in ("rate", "order", "tags", "to"))
    reads_all = f'@id("b") {head} when {{ {tests} || true }};'
    assert evaluate(shard_of(good(text + reads_all)), REFUND, arguments, "support", 12).level is Level.DENY
