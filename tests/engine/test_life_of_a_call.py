"""One call from the agent to the log, and every way in which it can end."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ringfence.core.model.agent import Limits
from ringfence.core.model.operator import Role
from ringfence.core.model.profile import Authority
from ringfence.core.model.profile import Role as Decides
from ringfence.core.model.run import RunState
from ringfence.core.model.ticket import TicketState
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.rules import Rules
from ringfence.engine.outcome import Ambiguous, NotSent, Refused, Returned, ServerFailed, Waiting
from ringfence.engine.runs.runs import NotDone
from ringfence.ports.upstream import Unknown
from ringfence.testing.scenario import ORDERS, PAYMENTS, SUPPORT, shop_rules, tool_rule
from ringfence.testing.scenario import REFUND as PROFILE
from ringfence.testing.world import World

REFUND = {"order": "A1", "amount": 25}


AMOUNT = Authority("/amount", Decides.MAGNITUDE)


@pytest.mark.requirement("I2")
@pytest.mark.requirement("I20")
async def test_a_read_is_allowed_executed_and_recorded_twice() -> None:
    world = await World.build()
    run = await world.open_run()
    outcome = await world.call(run, "orders__get", {"order": "A1"})
    assert isinstance(outcome, Returned)
    assert [s.arguments for s in world.upstreams[ORDERS].executed] == [b'{"order":"A1"}']
    decision, result = (await world.entries())[-2:]
    assert (decision["kind"], decision["decision"]) == ("decision", "allow")
    assert (result["kind"], result["decision"]) == ("outcome", "returned")
    assert decision["call"] == result["call"]
    assert await world.calls_used(run.run.id) == (0, 1)
    assert await world.store.holds() == {}


@pytest.mark.requirement("I16")
@pytest.mark.parametrize("name", ["nothing__here", "orders.get", "payments__refund "])
async def test_a_tool_that_does_not_exist_is_denied_and_recorded(name: str) -> None:
    world = await World.build()
    run = await world.open_run()
    outcome = await world.call(run, name, REFUND)
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.UNKNOWN_TOOL
    assert (await world.entries())[-1]["decision"] == "deny"
    assert not world.upstreams[PAYMENTS].executed


@pytest.mark.requirement("I17")
@pytest.mark.parametrize("arguments", [REFUND, {"nonsense": 1}])
async def test_a_tool_that_the_agent_was_not_given_is_denied_before_anything_else_is_said(arguments: dict[str, object]) -> None:
    world = await World.build()
    run = await world.open_run("reader")
    outcome = await world.call(run, "payments__refund", arguments)
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.NOT_EXPOSED
    assert not world.upstreams[PAYMENTS].executed


@pytest.mark.requirement("I3")
async def test_arguments_outside_the_schema_never_reach_the_server() -> None:
    world = await World.build()
    run = await world.open_run()
    for arguments in ({"order": "A1", "extra": 1}, {"order": 5}, {}):
        outcome = await world.call(run, "orders__get", arguments)
        assert isinstance(outcome, Refused)
        assert outcome.code is ReasonCode.ARGUMENTS
    assert not world.upstreams[ORDERS].executed


@pytest.mark.requirement("I8")
async def test_an_unknown_or_expired_credential_is_refused_without_a_trace_of_why() -> None:
    world = await World.build()
    run = await world.open_run()
    before = len(await world.entries())
    assert isinstance(await world.call("rfr_nonsense", "orders__get", {"order": "A1"}), Refused)
    assert run.run.expires_at is not None
    world.clock.advance(run.run.expires_at - world.clock.now())
    outcome = await world.call(run, "orders__get", {"order": "A1"})
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.CREDENTIAL
    assert outcome.entry is None
    assert len(await world.entries()) == before
    assert not world.upstreams[ORDERS].executed


@pytest.mark.requirement("I8")
async def test_a_closed_run_is_refused() -> None:
    world = await World.build()
    run = await world.open_run()
    await world.runs.close(run.run.id, by="operator:ada", why="done")
    assert isinstance(await world.call(run, "orders__get", {"order": "A1"}), Refused)
    assert world.upstreams[ORDERS].forgotten == [f"run:{run.run.id}"]


@pytest.mark.requirement("I4")
@pytest.mark.requirement("I5")
async def test_a_gated_call_waits_for_a_person_and_executes_exactly_what_was_approved() -> None:
    world = await World.build()
    run = await world.open_run()
    asked = await world.call(run, "payments__refund", REFUND)
    assert isinstance(asked, Waiting)
    assert not world.upstreams[PAYMENTS].executed
    await world.operator("bob", Role.APPROVER)
    await world.approve(asked.ticket, by="bob")
    assert not world.upstreams[PAYMENTS].executed, "an approval executes nothing by itself"
    outcome = await world.call(run, "payments__refund", {"amount": 25, "order": "A1"})
    assert isinstance(outcome, Returned)
    assert [s.arguments for s in world.upstreams[PAYMENTS].executed] == [asked.ticket.arguments]
    again = await world.call(run, "payments__refund", REFUND)
    assert isinstance(again, Waiting), "an approval is used once"
    assert again.ticket.id != asked.ticket.id
    assert len(world.upstreams[PAYMENTS].executed) == 1


@pytest.mark.requirement("I4")
@pytest.mark.parametrize(
    "changed", [{"order": "A1", "amount": 26}, {"order": "A2", "amount": 25}, {"order": "a1", "amount": 25}]
)
@pytest.mark.attack("A25")
async def test_an_approval_does_not_cover_a_changed_argument(changed: dict[str, object]) -> None:
    world = await World.build()
    run = await world.open_run()
    ticket = await world.ask(run)
    await world.approve(ticket)
    outcome = await world.call(run, "payments__refund", {**REFUND, **changed})
    assert isinstance(outcome, Waiting)
    assert not world.upstreams[PAYMENTS].executed


@pytest.mark.requirement("I17")
@pytest.mark.attack("A25")
async def test_another_run_can_neither_use_nor_claim_an_approval() -> None:
    world = await World.build()
    mine, other = await world.open_run(), await world.open_run()
    ticket = await world.ask(mine)
    await world.approve(ticket)
    assert isinstance(await world.call(other, "payments__refund", REFUND), Waiting)
    claimed = await world.claim(other, ticket)
    assert isinstance(claimed, Refused)
    assert claimed.code is ReasonCode.UNKNOWN_TOOL
    assert not world.upstreams[PAYMENTS].executed


@pytest.mark.requirement("I5")
async def test_a_claim_executes_the_frozen_call_once() -> None:
    world = await World.build()
    run = await world.open_run()
    ticket = await world.ask(run)
    assert isinstance(await world.claim(run, ticket), Waiting)
    await world.approve(ticket)
    assert isinstance(await world.claim(run, ticket), Returned)
    second = await world.claim(run, ticket)
    assert isinstance(second, Refused)
    assert second.code is ReasonCode.APPROVAL_USED
    assert len(world.upstreams[PAYMENTS].executed) == 1


@pytest.mark.requirement("I5")
async def test_a_denial_stands_and_does_not_ask_again() -> None:
    world = await World.build()
    run = await world.open_run()
    ticket = await world.ask(run)
    await world.deny(ticket)
    again = await world.call(run, "payments__refund", REFUND)
    assert isinstance(again, Refused)
    assert again.code is ReasonCode.APPROVAL_DENIED
    assert isinstance(await world.claim(run, ticket), Refused)
    assert len(await world.store.tickets(frozenset(TicketState))) == 1


@pytest.mark.requirement("I5")
async def test_an_expired_approval_executes_nothing() -> None:
    world = await World.build()
    run = await world.open_run()
    ticket = await world.ask(run)
    await world.approve(ticket)
    world.clock.advance(ticket.expires_at - world.clock.now())
    await world.approvals.expire()
    assert isinstance(await world.runs.renew(run.run.id, run.credential), NotDone)
    outcome = await world.claim(run, ticket)
    assert isinstance(outcome, Refused)
    after = await world.store.ticket(ticket.id)
    assert after is not None
    assert after.state is TicketState.EXPIRED
    assert not world.upstreams[PAYMENTS].executed


@pytest.mark.requirement("I5")
async def test_an_approval_that_is_claimed_too_late_has_to_be_asked_for_again() -> None:
    world = await World.build(rules=shop_rules(agents=(replace(shop_rules().agents[SUPPORT], run_ttl_s=100_000),)))
    run = await world.open_run()
    ticket = await world.ask(run)
    await world.approve(ticket)
    world.clock.advance(ticket.expires_at - world.clock.now())
    outcome = await world.call(run, "payments__refund", REFUND)
    assert isinstance(outcome, Waiting)
    assert outcome.ticket.id != ticket.id
    assert not world.upstreams[PAYMENTS].executed


@pytest.mark.requirement("I5")
async def test_two_hundred_concurrent_decisions_have_one_outcome() -> None:
    world = await World.build()
    run = await world.open_run()
    ticket = await world.ask(run)
    people = [await world.operator(f"p{n}", Role.APPROVER) for n in range(200)]
    votes = await asyncio.gather(
        *(
            world.approvals.vote(person, ticket.id, approve=n % 2 == 0, card_digest=ticket.card_digest, reason="")
            for n, person in enumerate(people)
        )
    )
    assert sum(not isinstance(vote, NotDone) for vote in votes) == 1
    entries = [e for e in await world.entries() if e["kind"] == "approval"]
    assert len(entries) == 1


@pytest.mark.requirement("I5")
async def test_a_quorum_needs_distinct_people_and_never_the_one_who_opened_the_run() -> None:
    world = await World.build(rules=_two_person_rules())
    run = await world.open_run(by="operator:ada")
    ticket = await world.ask(run)
    assert isinstance(await world.vote(ticket, approve=True, by="ada"), NotDone)
    await world.operator("bob", Role.APPROVER)
    await world.operator("cleo", Role.APPROVER)
    await world.operator("vic", Role.VIEWER)
    assert isinstance(await world.vote(ticket, approve=True, by="vic"), NotDone)
    await world.approve(ticket, by="bob")
    assert isinstance(await world.vote(ticket, approve=True, by="bob"), NotDone)
    assert isinstance(await world.call(run, "payments__refund", REFUND), Waiting)
    await world.approve(ticket, by="cleo")
    assert isinstance(await world.call(run, "payments__refund", REFUND), Returned)


def _two_person_rules() -> Rules:
    return shop_rules(tools=(tool_rule("payments.refund", replace(PROFILE, quorum=2)),))


async def test_a_later_different_ask_takes_the_place_of_the_pending_one() -> None:
    world = await World.build()
    run = await world.open_run()
    first = await world.ask(run)
    second = await world.ask(run, arguments={"order": "A2", "amount": 9})
    states = {ticket.id: ticket.state for ticket in await world.store.tickets(frozenset(TicketState))}
    assert states == {first.id: TicketState.WITHDRAWN, second.id: TicketState.PENDING}


async def test_whoever_waits_for_a_ticket_hears_at_once_that_another_ask_took_its_place() -> None:
    world = await World.build()
    run = await world.open_run()
    first = await world.ask(run)
    waiting = asyncio.create_task(world.approvals.wait(first.id, 45))
    await asyncio.sleep(0)
    await world.ask(run, arguments={"order": "A2", "amount": 9})
    moved = await waiting
    assert moved is not None
    assert moved.state is TicketState.WITHDRAWN


@pytest.mark.requirement("I7")
async def test_a_thousand_parallel_calls_at_a_cap_never_pass_it() -> None:
    world = await World.build(rules=shop_rules(limits=Limits(calls_per_run=100)))
    run = await world.open_run()
    outcomes = await asyncio.gather(*(world.call(run, "orders__get", {"order": str(n)}) for n in range(1000)))
    assert sum(isinstance(outcome, Returned) for outcome in outcomes) == 100
    assert len(world.upstreams[ORDERS].executed) == 100
    assert {o.code for o in outcomes if isinstance(o, Refused)} == {ReasonCode.CALL_CAP}
    assert await world.calls_used(run.run.id) == (0, 100)


@pytest.mark.requirement("I7")
@pytest.mark.requirement("I11")
async def test_the_calls_of_children_count_against_every_ancestor() -> None:
    world = await World.build(rules=shop_rules(limits=Limits(calls_per_run=3)))
    parent = await world.open_run()
    children = [await world.open_run(parent=parent.run) for _ in range(2)]
    outcomes = [await world.call(run, "orders__get", {"order": "A"}) for run in (*children, *children, parent)]
    assert [isinstance(outcome, Returned) for outcome in outcomes] == [True, True, True, False, False]


@pytest.mark.requirement("I11")
async def test_a_child_ends_with_its_parent() -> None:
    world = await World.build()
    parent = await world.open_run()
    child = await world.open_run(parent=parent.run)
    await world.runs.close(parent.run.id, by="operator:ada", why="done")
    outcome = await world.call(child, "orders__get", {"order": "A1"})
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.CREDENTIAL
    closed = await world.store.run(child.run.id)
    assert closed is not None
    assert closed.state is RunState.CLOSED
    assert isinstance(await world.runs.open(SUPPORT, "x", by="operator:ada", trusted=True, parent=parent.run.id), NotDone)


@pytest.mark.requirement("I7")
async def test_the_wall_clock_of_a_run_ends_it() -> None:
    world = await World.build(rules=shop_rules(limits=Limits(wall_clock_s=60)))
    run = await world.open_run()
    assert isinstance(await world.call(run, "orders__get", {"order": "A1"}), Returned)
    world.clock.advance(60_000)
    outcome = await world.call(run, "orders__get", {"order": "A1"})
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.WALL_CLOCK


@pytest.mark.requirement("I2")
@pytest.mark.requirement("I13")
async def test_an_unknown_outcome_is_ambiguous_and_stays_spent() -> None:
    world = await World.build()
    run = await world.open_run()
    world.upstreams[ORDERS].replies["get"] = Unknown("the connection broke")
    outcome = await world.call(run, "orders__get", {"order": "A1"})
    assert isinstance(outcome, Ambiguous)
    assert len(world.upstreams[ORDERS].executed) == 1
    assert (await world.entries())[-1]["decision"] == "ambiguous"
    assert await world.calls_used(run.run.id) == (0, 1)


@pytest.mark.requirement("I2")
async def test_what_was_provably_not_sent_is_given_back() -> None:
    world = await World.build()
    run = await world.open_run()
    world.upstreams[ORDERS].unreachable = "connection refused"
    outcome = await world.call(run, "orders__get", {"order": "A1"})
    assert isinstance(outcome, NotSent)
    assert (await world.entries())[-1]["decision"] == "failed_not_sent"
    assert await world.calls_used(run.run.id) == (0, 0)


async def test_an_error_of_the_server_is_an_outcome() -> None:
    world = await World.build()
    run = await world.open_run()
    assert isinstance(await world.call(run, "orders__boom", {"order": "A1"}), ServerFailed)


@pytest.mark.requirement("I2")
async def test_a_client_that_leaves_still_gets_its_outcome_recorded() -> None:
    world = await World.build()
    run = await world.open_run()
    task = asyncio.create_task(world.call(run, "orders__slow", {"order": "A1"}))
    await world.upstreams[ORDERS].until_executed(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(world.upstreams[ORDERS].cancelled) == 1
    assert (await world.entries())[-1]["decision"] == "ambiguous"
    assert await world.store.holds() == {}
    assert not world.inflight.all()


@pytest.mark.requirement("I9")
async def test_a_secret_argument_is_in_no_entry_and_on_no_card() -> None:
    rules = shop_rules(tools=(tool_rule("payments.refund", replace(PROFILE, secret=("/order",), authority=(AMOUNT,))),))
    world = await World.build(rules=rules)
    run = await world.open_run()
    ticket = await world.ask(run, arguments={"order": "hunter2-secret", "amount": 5})
    await world.approve(ticket)
    assert isinstance(await world.claim(run, ticket), Returned)
    assert b"hunter2" in world.upstreams[PAYMENTS].executed[0].arguments
    assert b"hunter2" not in ticket.card
    assert all("hunter2" not in str(entry) for entry in await world.entries())


@pytest.mark.requirement("I16")
async def test_an_agent_removed_from_the_configuration_is_denied_at_once() -> None:
    world = await World.build()
    run = await world.open_run()
    rules = shop_rules()
    without = replace(rules, agents={k: v for k, v in rules.agents.items() if k != SUPPORT})
    world.catalogue.replace(without, world.upstreams)
    outcome = await world.call(run, "orders__get", {"order": "A1"})
    assert isinstance(outcome, Refused)


@pytest.mark.requirement("I8")
async def test_a_run_lives_on_while_its_holder_uses_it_and_no_longer() -> None:
    world = await World.build()
    run = await world.open_run()
    for _ in range(5):
        world.clock.advance(600_000)
        assert isinstance(await world.call(run, "orders__get", {"order": "A1"}), Returned)
    world.clock.advance(900_000)
    outcome = await world.call(run, "orders__get", {"order": "A1"})
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.CREDENTIAL


@pytest.mark.requirement("I8")
async def test_a_refused_call_does_not_lengthen_a_run() -> None:
    world = await World.build()
    run = await world.open_run()
    world.clock.advance(800_000)
    assert isinstance(await world.call(run, "nothing__here", {}), Refused)
    world.clock.advance(100_000)
    outcome = await world.call(run, "orders__get", {"order": "A1"})
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.CREDENTIAL
