"""Policies through the whole engine: decided, asked of the right people, recorded, swapped whole."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.core.policy_kit import local_time

from ringfence.core.model.identifiers import OperatorName
from ringfence.core.model.policy import Policies
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.policy.reading import read_policies
from ringfence.core.policy.vocabulary import Names
from ringfence.core.rules import Rules
from ringfence.core.strict_json.canonical import digest_of
from ringfence.engine.outcome import Refused, Returned, Waiting
from ringfence.engine.runs.runs import NotDone
from ringfence.testing.scenario import ORDERS, PAYMENTS, definition, shop_rules
from ringfence.testing.world import World

HEAD = 'forbid (principal, action == Action::"payments.refund", resource)'
BIG = f'@id("big") @approve("finance") @reason("over 50") {HEAD} when {{ context.arguments.amount > 50 }};'
NEVER = f'@id("never") {HEAD} when {{ context.arguments.amount > 1000 }};'
GROUPS = {"finance": frozenset({OperatorName("fay")})}


def rules_with(text: str, rules: Rules | None = None) -> Rules:
    rules = replace(rules or shop_rules(), groups=GROUPS)
    names = Names(tuple(rules.tools), tuple(rules.servers), tuple(rules.agents))
    policies, faults = read_policies(text, "test.cedar", names, {name: len(who) for name, who in rules.groups.items()})
    assert not faults, faults
    return replace(rules, policies=Policies(digest=digest_of({"text": text}), policies=tuple(policies), local_time=local_time))


async def last_decision(world: World) -> dict[str, Any]:
    return [entry for entry in await world.entries() if entry["kind"] == "decision"][-1]


@pytest.mark.requirement("I5")
async def test_a_refund_over_50_waits_for_finance_and_nobody_else_opens_it() -> None:
    world = await World.build(rules=rules_with(BIG))
    run = await world.open_run(by="operator:oz")
    small = await world.ask(run, arguments={"order": "A1", "amount": 50})
    assert {gate.code for gate in small.gates} == {ReasonCode.IRREVERSIBLE, ReasonCode.COSTS_MONEY}
    big = await world.ask(run, arguments={"order": "A1", "amount": 51})
    card = json.loads(big.card)
    assert card["groups"] == [{"group": "finance", "quorum": 1}]
    assert "a policy wants it: 1 of finance must approve" in card["why"]
    assert card["policies"] == ["big (test.cedar:1): over 50"]
    voted = await world.approve(big, by="ada")
    assert voted.ticket.state is TicketState.PENDING
    refused = await world.vote(big, approve=True, by="bo")
    assert refused == NotDone("the approval of bo would not count: it still needs 1 of finance")
    assert (await world.approve(big, by="fay")).ticket.state is TicketState.APPROVED
    outcome = await world.call(run, "payments__refund", {"order": "A1", "amount": 51})
    assert isinstance(outcome, Returned)
    assert len(world.upstreams[PAYMENTS].executed) == 1


@pytest.mark.requirement("I20")
async def test_the_log_names_the_policies_and_their_digest_and_the_agent_is_not_told() -> None:
    world = await World.build(rules=rules_with(BIG + NEVER))
    run = await world.open_run()
    outcome = await world.call(run, "payments__refund", {"order": "A1", "amount": 1001})
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.POLICY
    body = (await last_decision(world))["body"]
    assert body["policy"] == digest_of({"text": BIG + NEVER})
    named = [reason["detail"] for reason in body["reasons"] if reason["code"] == "policy"]
    assert named == ["big (test.cedar:1): over 50", "never (test.cedar:1)"]
    assert not world.upstreams[PAYMENTS].executed


async def test_the_votes_are_recorded_with_the_groups_of_the_moment() -> None:
    world = await World.build(rules=rules_with(BIG))
    run = await world.open_run(by="operator:oz")
    ticket = await world.ask(run, arguments={"order": "A1", "amount": 51})
    await world.approve(ticket, by="fay")
    vote = next(entry for entry in await world.entries() if entry["kind"] == "approval")
    assert vote["body"]["groups"] == ["finance"]


@pytest.mark.requirement("I16")
async def test_a_policy_that_does_not_fit_the_listed_schema_denies_its_tool_and_no_other() -> None:
    world = await World.build(rules=rules_with(f'@id("typo") {HEAD} when {{ context.arguments.amuont > 50 }};'))
    assert "amuont" in world.catalogue.policy_faults()[0]
    run = await world.open_run()
    outcome = await world.call(run, "payments__refund", {"order": "A1", "amount": 1})
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.POLICY_ERROR
    assert isinstance(await world.call(run, "orders__get", {"order": "A1"}), Returned)


@pytest.mark.requirement("I16")
async def test_a_test_for_an_argument_that_no_tool_has_is_a_fault_and_not_a_policy_that_never_forbids() -> None:
    text = '@id("typo") forbid (principal, action in Action::"payments", resource) when { context.arguments has amuont };'
    world = await World.build(rules=rules_with(text))
    assert "reads `amuont`, which none of its tools has; they have: amount, order" in world.catalogue.policy_faults()[0]
    run = await world.open_run()
    assert isinstance(await world.call(run, "payments__refund", {"order": "A1", "amount": 1}), Refused)
    known = text.replace("amuont", "amount")
    assert not world.catalogue.policy_faults(rules_with(known))


async def test_an_argument_that_only_some_tools_have_is_tested_with_has() -> None:
    text = (
        '@id("a") forbid (principal, action, resource) when { context.arguments has amount && context.arguments.amount > 5 };'
    )
    world = await World.build(rules=rules_with(text))
    assert not world.catalogue.policy_faults()
    run = await world.open_run()
    assert isinstance(await world.call(run, "orders__get", {"order": "A1"}), Returned)
    assert isinstance(await world.call(run, "payments__refund", {"order": "A1", "amount": 6}), Refused)
    assert isinstance(await world.call(run, "payments__refund", {"order": "A1", "amount": 5}), Waiting)


@pytest.mark.requirement("I16")
async def test_replaced_policies_hold_from_the_next_call_on() -> None:
    world = await World.build(rules=rules_with(BIG))
    run = await world.open_run()
    assert isinstance(await world.call(run, "orders__get", {"order": "A1"}), Returned)
    text = '@id("closed") forbid (principal, action in Action::"orders", resource);'
    world.catalogue.replace(rules_with(text), world.catalogue.upstreams)
    assert isinstance(await world.call(run, "orders__get", {"order": "A1"}), Refused)
    await world.catalogue.ensure_listed()
    assert isinstance(await world.call(run, "orders__get", {"order": "A1"}), Refused)
    world.catalogue.replace(shop_rules(), world.catalogue.upstreams)
    await world.catalogue.ensure_listed()
    assert isinstance(await world.call(run, "orders__get", {"order": "A1"}), Returned)


@pytest.mark.requirement("I5")
async def test_an_approval_does_not_cover_a_policy_that_came_later() -> None:
    world = await World.build(rules=rules_with(NEVER))
    run = await world.open_run(by="operator:oz")
    ticket = await world.ask(run, arguments={"order": "A1", "amount": 60})
    await world.approve(ticket)
    world.catalogue.replace(rules_with(BIG), world.catalogue.upstreams)
    await world.catalogue.ensure_listed()
    outcome = await world.call(run, "payments__refund", {"order": "A1", "amount": 60})
    assert isinstance(outcome, Waiting)
    assert outcome.ticket.id != ticket.id
    assert not world.upstreams[PAYMENTS].executed


@pytest.mark.requirement("I16")
async def test_a_tool_whose_definition_changes_is_denied_until_somebody_approves_it_policies_or_not() -> None:
    world = await World.build(
        rules=rules_with('@id("o") forbid (principal, action in Action::"orders", resource) when { false };')
    )
    run = await world.open_run()
    assert isinstance(await world.call(run, "orders__get", {"order": "A1"}), Returned)
    orders = world.upstreams[ORDERS]
    orders.tools = (definition("get", {"order": {"type": "integer"}}, ["order"]), *orders.tools[1:])
    await world.catalogue.refresh(ORDERS)
    outcome = await world.call(run, "orders__get", {"order": 1})
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.PIN_CHANGED
