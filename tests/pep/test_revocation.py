"""Revocation at once, past everything that is kept between calls; and replays from anybody else."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.run import Posture
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.ticket import TicketState
from ringfence.core.records.unit import PutCredential, Unit
from ringfence.core.rules import ApprovalRules
from ringfence.engine.identity.identify import Presented, Vouched, hash_of
from ringfence.engine.outcome import Refused, Returned
from ringfence.engine.request import ToolRequest
from ringfence.engine.runs.runs import Opened
from ringfence.ports.identity import Outsider
from ringfence.ports.notifier import AlertKind
from ringfence.ports.upstream import Notice, NoticeKind
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.library import DOCS, library_rules, library_upstreams
from ringfence.testing.scenario import ORDERS, PAYMENTS, shop_rules
from ringfence.testing.world import World

ORDER = {"order": "A1"}
REFUND = {"order": "A1", "amount": 25}
HOLD = ApprovalRules(hold_s=3000, legs=0)
End = Callable[[World, Opened], Awaitable[None]]


async def closed(world: World, opened: Opened) -> None:
    await world.runs.close(opened.run.id, by="operator:ada", why="a test says so")


async def expired(world: World, opened: Opened) -> None:
    assert opened.run.expires_at is not None
    world.clock.advance(opened.run.expires_at - world.clock.now())


async def killed(world: World, opened: Opened) -> None:
    await world.stops.stop(StopMode.KILL, Scope(ScopeKind.RUN, opened.run.id), reason="x", by="operator:ada")


async def agent_killed(world: World, opened: Opened) -> None:
    await world.stops.stop(StopMode.KILL, Scope(ScopeKind.AGENT, opened.run.agent), reason="x", by="operator:ada")


async def credential_revoked(world: World, opened: Opened) -> None:
    known = await world.store.credential(hash_of(opened.credential))
    assert known is not None
    await world.store.record(Unit((), (PutCredential(replace(known, revoked=True)),)))


ENDS = [closed, expired, killed, agent_killed, credential_revoked]
each_end = pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)


@pytest.mark.requirement("I8", "I6")
@each_end
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_the_next_call_is_refused_although_the_last_one_was_served(end: End, era: str) -> None:
    world = await World.build()
    opened = await world.open_run()
    agent = Agent(gateway(world), opened)
    if era == "legacy":
        await agent.initialize()

    async def call() -> Any:
        begin = agent.modern_call if era == "modern" else agent.legacy_call
        return await begin("orders__get", ORDER).done()

    for _ in range(3):
        assert (await call()).json["result"]["isError"] is False
    await end(world, opened)
    refused = await call()
    assert refused.status == 401 or refused.json["result"]["isError"] is True
    assert len(world.upstreams[ORDERS].executed) == 3


@pytest.mark.requirement("I8", "I6")
@each_end
async def test_an_idle_session_is_no_way_around(end: End) -> None:
    world = await World.build()
    opened = await world.open_run()
    agent = Agent(gateway(world), opened)
    await agent.initialize()
    world.clock.advance(60_000)
    await end(world, opened)
    refused = await agent.legacy_call("orders__get", ORDER).done()
    assert refused.status == 401 or refused.json["result"]["isError"] is True
    assert not world.upstreams[ORDERS].executed


@pytest.mark.requirement("I8")
@pytest.mark.parametrize("end", [closed, expired, credential_revoked], ids=lambda end: end.__name__)
async def test_an_open_stream_tells_no_more(end: End) -> None:
    world = await World.build(rules=library_rules(), upstreams=library_upstreams())
    opened = await world.open_run("writer")
    agent = Agent(gateway(world), opened, path="/mcp/docs")
    await agent.initialize()
    stream = agent.stream()
    await stream.until_chunks(1)
    docs = world.upstreams[DOCS]
    await docs.until_heard()
    await end(world, opened)
    docs.described = replace(docs.described, prompts=(*docs.described.prompts, {"name": "new"}))
    docs.announce(Notice(NoticeKind.PROMPTS))
    await stream.done()
    assert stream.events == []


@pytest.mark.requirement("I8", "I4", "I6")
@each_end
async def test_an_approval_does_not_outlive_the_run_that_waits_for_it(end: End) -> None:
    world = await World.build(rules=shop_rules(approvals=HOLD))
    opened = await world.open_run()
    held = Agent(gateway(world), opened).modern_call("payments__refund", REFUND)
    await world.notifier.until(AlertKind.APPROVAL_WAITING)
    (ticket,) = await world.store.tickets(frozenset({TicketState.PENDING}))
    await end(world, opened)
    current = await world.store.ticket(ticket.id)
    assert current is not None
    if current.state is TicketState.PENDING:
        await world.approve(ticket)
    # Where nobody tells the waiting call, its hold ends; either way it looks again before it acts.
    if not held.complete:
        await world.clock.until_sleeping()
        world.clock.advance(3_000_000)
    await held.done()
    assert not world.upstreams[PAYMENTS].executed


@pytest.mark.requirement("I8", "I17")
async def test_an_approved_ticket_is_not_claimed_after_the_end_nor_by_another_run() -> None:
    world = await World.build()
    opened, other = await world.open_run(), await world.open_run()
    ticket = await world.ask(opened)
    await world.approve(ticket)
    assert isinstance(await world.claim(other, ticket), Refused)
    await credential_revoked(world, opened)
    assert isinstance(await world.claim(opened, ticket), Refused)
    assert not world.upstreams[PAYMENTS].executed


# --- replays ---------------------------------------------------------------------------------------------------------

KEY, OTHER_KEY = f"jkt:{'A' * 43}", f"jkt:{'A' * 42}E"
CERTIFICATE, OTHER_CERTIFICATE = f"x5t:{'A' * 43}", f"x5t:{'A' * 42}E"
USER, OTHER_USER = "uid:1000", "uid:1001"


@pytest.mark.requirement("I8", "I17")
@pytest.mark.parametrize(
    ("binding", "senders", "accepted"),
    [
        (USER, (USER,), True),
        (USER, (OTHER_USER,), False),
        (USER, (), False),
        (USER, (CERTIFICATE,), False),
        (CERTIFICATE, (CERTIFICATE,), True),
        (CERTIFICATE, (OTHER_CERTIFICATE,), False),
        (CERTIFICATE, (USER,), False),
        (CERTIFICATE, (CERTIFICATE, KEY), False),
        (KEY, (KEY,), True),
        (KEY, (KEY, CERTIFICATE), True),
        (KEY, (OTHER_KEY,), False),
        (KEY, (), False),
        ("", (KEY,), False),
        ("", (CERTIFICATE,), True),
    ],
)
@pytest.mark.parametrize("how", ["credential", "vouched"])
async def test_a_replay_from_another_sender_is_refused(
    binding: str, senders: tuple[str, ...], accepted: bool, how: str
) -> None:
    world = await World.build()
    if how == "credential":
        opened = await world.runs.open(AgentId("support"), "x", by="operator:ada", trusted=True, binding=binding)
        assert isinstance(opened, Opened)
        sent = Presented(opened.credential, Posture.SEPARATE, frozenset(senders))
    else:
        vouched = await world.outsiders.admit(outsider(world, binding=binding))
        assert isinstance(vouched, Vouched)
        sent = Presented("", Posture.SEPARATE, frozenset(senders), vouched)
    outcome = await world.enforcer.enforce(sent, ToolRequest("orders__get", ORDER))
    assert isinstance(outcome, Returned if accepted else Refused)
    assert len(world.upstreams[ORDERS].executed) == accepted


def outsider(world: World, *, binding: str = "", still: Callable[[], bool] = lambda: True) -> Outsider:
    return Outsider(subject="s", agent="support", until=world.clock.now() + 60_000, binding=binding, still=still)


@pytest.mark.requirement("I8")
@pytest.mark.parametrize("end", ["expiry", "mapping", "closed", "killed", "another agent"])
async def test_what_was_vouched_for_a_moment_ago_is_looked_at_again(end: str) -> None:
    world, mapped = await World.build(), True
    vouched = await world.outsiders.admit(outsider(world, still=lambda: mapped))
    assert isinstance(vouched, Vouched)
    sent = Presented("", Posture.SEPARATE, frozenset(), vouched)
    assert isinstance(await world.enforcer.enforce(sent, ToolRequest("orders__get", ORDER)), Returned)
    (run,) = await world.store.runs()
    match end:
        case "expiry":
            world.clock.advance(60_000)
        case "mapping":
            mapped = False
        case "closed":
            await world.runs.close(run.id, by="operator:ada", why="x")
        case "killed":
            await world.stops.stop(StopMode.KILL, Scope(ScopeKind.RUN, run.id), reason="x", by="operator:ada")
        case _:
            mapped = False
            await world.outsiders.admit(replace(outsider(world), agent="reader"))
    assert isinstance(await world.enforcer.enforce(sent, ToolRequest("orders__get", ORDER)), Refused)
    assert len(world.upstreams[ORDERS].executed) == 1


@pytest.mark.requirement("I8")
async def test_what_was_vouched_for_one_agent_is_not_good_for_the_one_that_came_after() -> None:
    world = await World.build()
    vouched = await world.outsiders.admit(outsider(world))
    assert isinstance(vouched, Vouched)
    sent = Presented("", Posture.SEPARATE, frozenset(), vouched)
    await world.outsiders.admit(replace(outsider(world), agent="reader"))
    outcome = await world.enforcer.enforce(sent, ToolRequest("orders__get", ORDER))
    assert isinstance(outcome, Refused)
