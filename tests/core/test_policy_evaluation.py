"""What the policy check says: forbids hold, errors deny, `@approve` turns a deny into an ask only where all agree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.core.policy_kit import (
    AGENT,
    BALANCE,
    NOTE,
    REFUND,
    SCHEMA,
    call_of,
    facts_of,
    good,
    shard_of,
    snapshot_of,
    tool_of,
)

from ringfence.core.checks.policy import policy
from ringfence.core.model.identifiers import Digest
from ringfence.core.model.verdict import Gate, Level, ReasonCode, Verdict
from ringfence.core.policy.shard import Broken, Shard

ON_REFUND = 'forbid (principal, action == Action::"payments.refund", resource)'
BIG = f'@id("big") @approve("finance") {ON_REFUND} when {{ context.arguments.amount > 50 }};'
NIGHT = f'@id("night") {ON_REFUND} when {{ context.time.hour < 7 || context.time.hour >= 22 }};'
HOUR = 3_600_000


def say(text: str, arguments: dict[str, Any], *, hour: int = 12, agent: str = AGENT, **facts: Any) -> Verdict:
    snapshot = snapshot_of((REFUND, shard_of(good(text))))
    return policy(call_of(arguments, agent=agent), facts_of(snapshot, now=hour * HOUR, **facts))


def codes(verdict: Verdict) -> list[str]:
    return [reason.code.value for reason in verdict.reasons]


@pytest.mark.parametrize(
    ("amount", "hour", "level"),
    [(50, 12, Level.ALLOW), (51, 12, Level.ASK), (50, 23, Level.DENY), (51, 3, Level.DENY), (1, 7, Level.ALLOW)],
)
def test_refunds_over_50_need_finance_and_none_at_night(amount: int, hour: int, level: Level) -> None:
    verdict = say(BIG + NIGHT, {"amount": amount}, hour=hour)
    assert verdict.level is level
    assert verdict.gates == ((Gate(ReasonCode.POLICY, 1, "finance"),) if level is Level.ASK else ())


def test_a_reason_names_the_policy_and_its_place() -> None:
    assert [reason.detail for reason in say(BIG, {"amount": 51}).reasons] == ["big (test.cedar:1)"]


@pytest.mark.requirement("I16")
def test_a_deny_becomes_an_ask_only_where_every_forbid_that_holds_carries_approve() -> None:
    two = '@id("two") @approve("ops, 2") forbid (principal, action, resource) when { context.arguments.amount > 60 };'.replace(
        "action,", 'action == Action::"payments.refund",'
    )
    assert say(BIG + two, {"amount": 70}).gates == (Gate(ReasonCode.POLICY, 1, "finance"), Gate(ReasonCode.POLICY, 2, "ops"))
    verdict = say(BIG + two + NIGHT, {"amount": 70}, hour=1)
    assert verdict.level is Level.DENY
    assert [reason.detail.split()[0] for reason in verdict.reasons] == ["big", "night", "two"]


@pytest.mark.requirement("I3")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"amount": 2**53 - 1}, "overflow"),
        ({"amount": 1.5}, "is not a whole number"),
        ({"amount": "51"}, "is not a whole number"),
        ({"amount": True}, "is not a whole number"),
        ({"amount": None}, "is missing"),
        ({}, "is missing"),
        ({"amount": {"__extn": {"fn": "decimal", "arg": "1.0"}}}, "is not a whole number"),
        ({"amount": {"__entity": {"type": "Agent", "id": "support"}}}, "is not a whole number"),
    ],
)
def test_what_cannot_be_evaluated_denies(arguments: dict[str, Any], said: str) -> None:
    text = f'@id("a") @approve {ON_REFUND} when {{ context.arguments.amount * 4096 < 0 }};'
    verdict = say(text, arguments)
    assert verdict.level is Level.DENY
    assert codes(verdict) == ["policy_error"]
    assert said in verdict.reasons[0].detail


@pytest.mark.requirement("I16")
@pytest.mark.parametrize("name", ["order", "urgent", "rate", "tags", "to"])
@pytest.mark.parametrize(
    "smuggled",
    [
        {"__entity": {"type": "Agent", "id": "support"}},
        {"__extn": {"fn": "decimal", "arg": "0.0"}},
        {"__expr": "true"},
        [{"__extn": {"fn": "ip", "arg": "10.0.0.1"}}],
    ],
)
def test_a_value_that_looks_like_one_of_cedars_own_is_refused(name: str, smuggled: Any) -> None:
    text = f'@id("a") {ON_REFUND} when {{ context.arguments has {name} && false }};'
    assert say(text, {"amount": 1}).level is Level.ALLOW
    assert codes(say(text, {"amount": 1, name: smuggled})) == ["policy_error"]


@pytest.mark.requirement("I3")
def test_one_policy_that_errs_denies_whatever_the_others_say() -> None:
    errs = f'@id("errs") {ON_REFUND} when {{ context.arguments.amount * 4096 < 0 }};'
    verdict = say(BIG + errs, {"amount": 2**53 - 1})
    assert codes(verdict) == ["policy_error"]
    assert "`errs`" in verdict.reasons[0].detail


@pytest.mark.requirement("I3")
def test_a_tool_that_was_not_compared_or_whose_definition_is_another_one_is_denied() -> None:
    shard = shard_of(good(BIG))
    call = call_of({"amount": 1})
    assert codes(policy(call, facts_of(snapshot_of()))) == ["policy_error"]
    assert isinstance(shard, Shard)
    stale = facts_of(snapshot_of((REFUND, replace(shard, pin=Digest("old")))))
    assert codes(policy(call, stale)) == ["policy_error"]
    other = facts_of(snapshot_of((REFUND, shard)), tool=replace(tool_of(), profile=replace(tool_of().profile, bounded=True)))
    assert codes(policy(call, other)) == ["policy_error"]
    broken = facts_of(snapshot_of((REFUND, Broken(Digest("pin"), ("test.cedar:1: wrong",)))))
    assert policy(call, broken).reasons[0].detail == "test.cedar:1: wrong"


def test_without_policies_or_for_a_tool_that_none_names_nothing_is_said() -> None:
    call = call_of({"amount": 1})
    assert policy(call, facts_of(None)) == Verdict(Level.ALLOW)
    assert shard_of(good(BIG), BALANCE) is None
    assert policy(call, facts_of(snapshot_of((REFUND, None)))) == Verdict(Level.ALLOW)


@pytest.mark.parametrize(
    ("condition", "facts", "level"),
    [
        ("context.run.depth > 0", {"depth": 1}, Level.DENY),
        ("context.run.depth > 0", {}, Level.ALLOW),
        ("context.run.calls_used >= 10", {"used": 10}, Level.DENY),
        ("!context.run.task_trusted", {"trusted": False}, Level.DENY),
        ("!context.run.task_trusted", {}, Level.ALLOW),
        ('context.posture == Posture::"separate"', {}, Level.DENY),
        ('context.posture == Posture::"shared"', {}, Level.ALLOW),
        (
            "resource.writes && !resource.reversible && !resource.bounded && resource.identity && resource.outbound",
            {},
            Level.DENY,
        ),
        ("resource.costs_money", {}, Level.ALLOW),
        ('resource.sensitivity == Sensitivity::"regulated" && resource.trust == Trust::"untrusted"', {}, Level.DENY),
        ("context.time.weekday == 4 && context.time.minute == 0", {}, Level.DENY),
        ('principal == Agent::"support"', {}, Level.DENY),
        ('principal == Agent::"lookup"', {}, Level.ALLOW),
        ('context.arguments has rate && context.arguments.rate.greaterThan(decimal("1.5"))', {}, Level.DENY),
        ('context.arguments has tags && context.arguments.tags.contains("vip")', {}, Level.DENY),
        ('context.arguments has to && context.arguments.to.iban like "GB*"', {}, Level.DENY),
        ('context.arguments has to.country && context.arguments.to.country == "GB"', {}, Level.ALLOW),
        ('context.arguments has order && context.arguments.order like "A-*"', {}, Level.DENY),
        ("context.arguments has urgent && context.arguments.urgent", {}, Level.ALLOW),
    ],
)
def test_what_policies_can_read(condition: str, facts: dict[str, Any], level: Level) -> None:
    text = f'@id("a") {ON_REFUND} when {{ {condition} }};'
    arguments = {"amount": 1, "order": "A-1", "rate": 1.5001, "tags": ["vip", "vip"], "to": {"iban": "GB1", "extra": 1}}
    assert say(text, arguments, **facts).level is level


@pytest.mark.requirement("I16")
@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("context.arguments.amont > 50", "amont"),
        ('context.arguments.rate.greaterThan(decimal("1.0"))', "optional attribute"),
        ("context.arguments has anything", "its schema names no type"),
        ('context.arguments.amount == "x"', "not compatible"),
        ("context.arguments == context.arguments", "takes all arguments"),
    ],
)
def test_a_policy_that_does_not_fit_the_schema_breaks_the_tool(condition: str, said: str) -> None:
    text = f'@id("a") {ON_REFUND} when {{ {condition} }};'
    shard = shard_of(good(text))
    assert isinstance(shard, Broken)
    assert said in shard.faults[0]
    assert "test.cedar:1" in shard.faults[0]
    assert policy(call_of({"amount": 1}), facts_of(snapshot_of((REFUND, shard)))).level is Level.DENY


@pytest.mark.parametrize("head", ['resource == Tool::"orders.note"', 'resource in Server::"orders"', "resource is Tool"])
def test_a_head_may_name_the_tool_or_its_server_as_the_resource(head: str) -> None:
    shard = shard_of(good(f'@id("a") forbid (principal, action, {head});'), NOTE)
    assert isinstance(shard, Shard)
    tool = tool_of(NOTE)
    assert policy(call_of({"amount": 1}, tool), facts_of(snapshot_of((NOTE, shard)), tool=tool)).level is Level.DENY


def test_arguments_that_policies_do_not_read_are_not_copied() -> None:
    shard = shard_of(good(BIG))
    assert isinstance(shard, Shard)
    assert set(shard.arguments.fields) == {"amount"}
    assert say(BIG, {"amount": 1, "rate": 0.123456789, "order": "x" * 300_000}).level is Level.ALLOW


@pytest.mark.requirement("I19")
def test_arguments_too_long_to_match_are_denied() -> None:
    text = f'@id("a") {ON_REFUND} when {{ context.arguments has order && context.arguments.order like "*x*" }};'
    assert codes(say(text, {"amount": 1, "order": "y" * 300_000})) == ["policy_error"]


def test_the_schema_of_the_tests_is_an_honest_one() -> None:
    assert tool_of().validator.is_valid({"amount": 1})
    assert not tool_of().validator.is_valid({"amount": "1"})
    assert SCHEMA["required"] == ["amount"]
