"""Waiting for people, progress, cancelling and leaving, in-process."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.pep.mcp_gateway.state_seal import Held, StateSeal
from ringfence.core.model.identifiers import RunId, TicketId
from ringfence.core.model.stop import Scope, ScopeKind, StopMode
from ringfence.core.model.ticket import Ticket, TicketState
from ringfence.core.rules import AgentRule, ApprovalRules
from ringfence.engine.runs.runs import Opened
from ringfence.ports.notifier import AlertKind
from ringfence.testing.asgi import Exchange
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.entropy import FakeEntropy
from ringfence.testing.gateway import Agent, gateway
from ringfence.testing.scenario import ORDERS, PAYMENTS, SUPPORT, shop_rules
from ringfence.testing.world import World

REFUND = {"order": "A1", "amount": 25}
AT_ONCE = GatewayLimits(watch_after_s=0, stream_after_s=0, keep_alive_s=0.005, progress_per_s=1_000_000)
PATIENT = ApprovalRules(hold_s=30, legs=2)
AT_LAST = ApprovalRules(hold_s=30, legs=0)


class Shop:
    """A world with a gateway and one agent."""

    def __init__(self, world: World, opened: Opened, limits: GatewayLimits | None) -> None:
        self.world = world
        self.opened = opened
        self.app = gateway(world, limits=limits)
        self.agent = Agent(self.app, opened)

    @classmethod
    async def build(cls, approvals: ApprovalRules = PATIENT, limits: GatewayLimits | None = None) -> "Shop":
        world = await World.build(rules=shop_rules(approvals=approvals))
        return cls(world, await world.open_run(), limits)

    async def ticket(self) -> Ticket:
        """The ticket that the agent's call waits on, once there is one."""
        await self.world.notifier.until(AlertKind.APPROVAL_WAITING)
        return (await self.world.store.tickets(frozenset({TicketState.PENDING})))[0]

    async def give_up(self, exchange: Exchange) -> Exchange:
        """Nobody decides while the call is held."""
        await self.world.clock.until_sleeping()
        self.world.clock.advance(30_000)
        return await exchange.done()

    @property
    def refunds(self) -> int:
        return len(self.world.upstreams[PAYMENTS].executed)


def result(exchange: Exchange) -> Any:
    return exchange.answer["result"]


def pending(exchange: Exchange) -> Any:
    found = result(exchange)
    assert found["isError"] is True
    assert "approval pending" in found["content"][0]["text"]
    return found["_meta"]["ringfence/approval"]


async def begin(shop: Shop, era: str, **params: Any) -> Exchange:
    if era == "modern":
        return shop.agent.modern_call("payments__refund", REFUND, **params)
    await shop.agent.initialize()
    return shop.agent.legacy_call("payments__refund", REFUND, **params)


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_call_approved_while_it_is_held_executes_once(era: str) -> None:
    shop = await Shop.build()
    exchange = await begin(shop, era)
    await shop.world.approve(await shop.ticket())
    assert result(await exchange.done())["content"][0]["text"] == '{"amount":25,"order":"A1"}'
    assert shop.refunds == 1


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_call_denied_while_it_is_held_is_refused(era: str) -> None:
    shop = await Shop.build()
    exchange = await begin(shop, era)
    await shop.world.deny(await shop.ticket())
    answer = result(await exchange.done())
    assert answer["_meta"]["ringfence/decision"]["code"] == "approval_denied"
    assert "ada" not in answer["content"][0]["text"]
    assert shop.refunds == 0


@pytest.mark.requirement("I4", "I5")
async def test_two_identical_calls_held_at_once_execute_once_and_ask_nobody_anew() -> None:
    shop = await Shop.build()
    both = [shop.agent.modern_call("payments__refund", REFUND) for _ in range(2)]
    await shop.world.clock.until_sleeping(2)
    await shop.world.approve(await shop.ticket())
    answers = [result(await exchange.done()) for exchange in both]
    assert sorted(answer["isError"] for answer in answers) == [False, True]
    assert next(a for a in answers if a["isError"])["_meta"]["ringfence/decision"]["code"] == "approval_ended"
    assert shop.refunds == 1
    assert await shop.world.store.tickets(frozenset({TicketState.PENDING})) == ()


async def test_a_held_call_that_is_superseded_does_not_take_its_place_back() -> None:
    shop = await Shop.build()
    first = shop.agent.modern_call("payments__refund", REFUND)
    await shop.world.clock.until_sleeping(1)
    second = shop.agent.modern_call("payments__refund", {"order": "A1", "amount": 26})
    await shop.world.notifier.until(AlertKind.APPROVAL_WAITING, 2)
    # Nothing but the end of its hold wakes a call whose ticket was replaced.
    await shop.world.clock.until_sleeping(2)
    shop.world.clock.advance(30_000)
    assert result(await first.done())["_meta"]["ringfence/decision"]["code"] == "approval_ended"
    assert result(await second.done())["resultType"] == "input_required"
    (left,) = await shop.world.store.tickets(frozenset({TicketState.PENDING}))
    assert left.arguments == b'{"amount":26,"order":"A1"}'


async def test_a_ticket_that_expires_during_the_hold_is_a_denial() -> None:
    world = await World.build(rules=shop_rules(approvals=PATIENT, agents=(quick_expiry(),)))
    shop = Shop(world, await world.open_run(), None)
    exchange = shop.agent.modern_call("payments__refund", REFUND)
    await world.clock.until_sleeping(1)
    world.clock.advance(10_000)
    assert result(await exchange.done())["_meta"]["ringfence/decision"]["code"] == "approval_ended"
    assert await world.store.tickets(frozenset({TicketState.PENDING})) == ()
    assert shop.refunds == 0


def quick_expiry() -> AgentRule:
    return replace(shop_rules().agents[SUPPORT], approval_expiry_s=10)


@pytest.mark.requirement("I6")
async def test_a_kill_ends_the_wait() -> None:
    shop = await Shop.build()
    exchange = await begin(shop, "modern")
    await shop.ticket()
    await shop.world.stops.stop(StopMode.KILL, Scope(ScopeKind.EVERYTHING), reason="x", by="operator:ada")
    assert result(await exchange.done())["_meta"]["ringfence/decision"]["code"] == "stopped"
    assert shop.refunds == 0


async def test_a_modern_client_is_asked_to_come_back_and_then_told() -> None:
    shop = await Shop.build()
    answer = result(await shop.give_up(await begin(shop, "modern")))
    for _ in range(PATIENT.legs - 1):
        assert answer.keys() == {"resultType", "requestState"}
        assert answer["resultType"] == "input_required"
        exchange = shop.agent.modern_call("payments__refund", REFUND, requestState=answer["requestState"])
        answer = result(await shop.give_up(exchange))
    exchange = shop.agent.modern_call("payments__refund", REFUND, requestState=answer["requestState"])
    await shop.give_up(exchange)
    ticket = await shop.ticket()
    assert pending(exchange)["approval_id"] == ticket.id
    asked = [entry for entry in await shop.world.entries() if entry["decision"] == "ask"]
    assert len(asked) == 1  # coming back asks nobody anew


@pytest.mark.requirement("I4")
async def test_a_modern_client_that_comes_back_after_the_approval_gets_the_result() -> None:
    shop = await Shop.build()
    state = result(await shop.give_up(await begin(shop, "modern")))["requestState"]
    await shop.world.approve(await shop.ticket())
    exchange = await shop.agent.modern_call("payments__refund", REFUND, requestState=state).done()
    assert result(exchange)["isError"] is False
    assert shop.refunds == 1


@pytest.mark.requirement("I4", "I17")
@pytest.mark.parametrize("bend", ["arguments", "tool", "run", "again", "expired", "bits", "foreign", "endpoint"])
@pytest.mark.attack("A9", "A19", "A25")
async def test_a_state_is_good_for_one_return_of_the_same_call_by_the_same_run(bend: str) -> None:
    shop = await Shop.build()
    state = result(await shop.give_up(await begin(shop, "modern")))["requestState"]
    await shop.world.approve(await shop.ticket())
    agent, name, arguments = shop.agent, "payments__refund", dict(REFUND)
    if bend == "arguments":
        arguments["amount"] = 26
    elif bend == "tool":
        name = "orders__get"
    elif bend == "run":
        agent = Agent(shop.app, await shop.world.open_run())
    elif bend == "again":
        await agent.modern_call(name, {"order": "other", "amount": 1}, requestState=state).done()  # refused: not used up
        await agent.modern_call(name, arguments, requestState=state).done()
        assert shop.refunds == 1
    elif bend == "expired":
        shop.world.clock.advance(601_000)
    elif bend == "bits":
        raw = bytearray(base64.urlsafe_b64decode(state[3:] + "=="))
        raw[20] ^= 1
        state = "v1." + base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    elif bend == "foreign":
        state = "v1." + "A" * 80
    else:
        agent.path, name = "/mcp/payments", "refund"
    before = shop.refunds
    exchange = await agent.modern_call(name, arguments, requestState=state).done()
    assert (exchange.status, exchange.json["error"]["code"]) == (400, -32602)
    assert "request state" in exchange.json["error"]["message"]
    assert shop.refunds == before


@pytest.mark.attack("A19")
def test_a_sealed_state_opens_only_under_its_own_key() -> None:
    clock = FakeClock()
    held = Held(RunId("r_1"), TicketId("t_1"), "d" * 64, 1)
    one, other = StateSeal(FakeEntropy("a"), clock, 600), StateSeal(FakeEntropy("b"), clock, 600)
    state = one.seal(held)
    assert other.open(state, run=held.run, call=held.call) is None
    assert one.open(state + "A", run=held.run, call=held.call) is None
    assert one.open("", run=held.run, call=held.call) is None
    assert one.open(state, run=held.run, call=held.call) == held
    assert one.open(state, run=held.run, call=held.call) is None


async def test_a_legacy_client_is_told_when_the_hold_is_over() -> None:
    shop = await Shop.build()
    told = pending(await shop.give_up(await begin(shop, "legacy")))
    ticket = await shop.ticket()
    assert told["status"] == "approval_pending"
    assert told["approval_id"] == ticket.id
    assert 0 < told["retry_after_s"] <= 60
    assert told["expires_at"].endswith("+00:00")


@pytest.mark.requirement("I4", "I5")
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_what_was_approved_is_claimed_once(era: str) -> None:
    shop = await Shop.build(AT_LAST)
    ticket = pending(await shop.give_up(await begin(shop, era)))["approval_id"]

    def claim() -> Exchange:
        call = shop.agent.modern_call if era == "modern" else shop.agent.legacy_call
        return call("ringfence__claim", {"ticket": ticket})

    assert pending(await shop.give_up(claim()))["approval_id"] == ticket
    await shop.world.approve(ticket)
    assert result(await claim().done())["content"][0]["text"] == '{"amount":25,"order":"A1"}'
    assert result(await claim().done())["_meta"]["ringfence/decision"]["code"] == "approval_ended"
    assert shop.refunds == 1


@pytest.mark.requirement("I4")
async def test_repeating_the_same_call_after_the_approval_executes_it_once() -> None:
    shop = await Shop.build(AT_LAST)
    ticket = pending(await shop.give_up(await begin(shop, "modern")))["approval_id"]
    await shop.world.approve(ticket)
    assert result(await (await begin(shop, "modern")).done())["isError"] is False
    assert pending(await shop.give_up(await begin(shop, "modern")))["approval_id"] != ticket
    assert shop.refunds == 1


@pytest.mark.requirement("I17")
@pytest.mark.attack("A9")
async def test_another_runs_ticket_is_an_unknown_one() -> None:
    shop = await Shop.build(AT_LAST)
    ticket = pending(await shop.give_up(await begin(shop, "modern")))["approval_id"]
    await shop.world.approve(ticket)
    other = Agent(shop.app, await shop.world.open_run())
    for name in (ticket, "t_nothing"):
        refused = result(await other.modern_call("ringfence__claim", {"ticket": name}).done())
        made = refused["_meta"]["ringfence/decision"]
        assert (made["code"], refused["content"][0]["text"]) == ("unknown_tool", f"unknown tool ({made['entry']})")
    assert shop.refunds == 0


# --- streams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_slow_answer_becomes_a_stream_that_is_kept_alive(era: str) -> None:
    shop = await Shop.build(limits=AT_ONCE)
    if era == "legacy":
        await shop.agent.initialize()
    call = shop.agent.modern_call if era == "modern" else shop.agent.legacy_call
    exchange = call("orders__slow", {"order": "A1"})
    await exchange.until_chunks(2)
    assert exchange.header("content-type") == "text/event-stream"
    assert exchange.header("cache-control") == "no-cache, no-transform"
    assert exchange.chunks[0] == b": keep-alive\n\n"
    shop.world.upstreams[ORDERS].release()
    await exchange.done()
    assert exchange.complete
    assert [message["id"] for message in exchange.events] == [shop.agent.identity() - 1]


async def test_a_quick_answer_is_plain_json() -> None:
    shop = await Shop.build()
    exchange = await shop.agent.modern_call("orders__get", {"order": "A1"}, _meta={"progressToken": "p"}).done()
    assert exchange.header("content-type") == "application/json"


@pytest.mark.parametrize("token", ["p-1", 7, 0, ""])
async def test_progress_comes_on_the_stream_of_its_call_and_only_rises(token: str | int) -> None:
    shop = await Shop.build()
    shop.world.upstreams[ORDERS].progress["get"] = (
        {"progress": 1, "total": 4, "message": "one\x07"},
        {"progress": 1, "total": 4},
        {"progress": 0.5},
        {"progress": "2"},
        {"progress": True},
        {"progress": 3, "total": 4, "message": "three", "progressToken": "forged"},
    )
    exchange = await shop.agent.modern_call("orders__get", {"order": "A1"}, _meta={"progressToken": token}).done()
    assert exchange.header("content-type") == "text/event-stream"
    *notices, answer = exchange.events
    assert [notice["method"] for notice in notices] == ["notifications/progress"] * 2
    assert [notice["params"] for notice in notices] == [
        {"progressToken": token, "progress": 1, "total": 4, "message": "one"},
        {"progressToken": token, "progress": 3, "total": 4, "message": "three"},
    ]
    assert answer["result"]["isError"] is False


async def test_progress_is_dropped_where_nobody_asked_for_it_or_it_comes_too_fast() -> None:
    limits = GatewayLimits(progress_per_s=20, progress_per_call=100)
    shop = await Shop.build(limits=limits)
    shop.world.upstreams[ORDERS].progress["get"] = tuple({"progress": n} for n in range(1, 50))
    quiet = await shop.agent.modern_call("orders__get", {"order": "A1"}).done()
    assert quiet.header("content-type") == "application/json"
    asked = await shop.agent.modern_call("orders__get", {"order": "A1"}, _meta={"progressToken": 1}).done()
    assert len(asked.events) == 21  # the clock stands still: one burst, then the answer


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_held_call_shows_rising_progress_that_the_server_continues(era: str) -> None:
    shop = await Shop.build(limits=AT_ONCE)
    shop.world.upstreams[PAYMENTS].progress["refund"] = ({"progress": 1, "total": 2},)
    exchange = await begin(shop, era, _meta={"progressToken": "p"})
    for _ in range(3):
        await shop.world.clock.until_sleeping(2)
        shop.world.clock.advance(7_000)
    await shop.world.approve(await shop.ticket())
    await exchange.done()
    values = [event["params"]["progress"] for event in exchange.events if "method" in event]
    assert values == sorted(set(values))
    assert len(values) >= 4
    assert exchange.events[0]["params"]["message"].startswith("waiting for a person to decide on ticket t_")
    assert result(exchange)["isError"] is False


# --- leaving and cancelling ------------------------------------------------------------------------------------------


@pytest.mark.requirement("I2")
async def test_a_modern_client_that_leaves_cancels_its_call() -> None:
    shop = await Shop.build(limits=AT_ONCE)
    exchange = shop.agent.modern_call("orders__slow", {"order": "A1"})
    orders = shop.world.upstreams[ORDERS]
    await orders.until_executed(1)
    exchange.leave()
    await exchange.done()
    assert len(orders.cancelled) == 1
    assert [entry["decision"] for entry in await shop.world.entries()][-1] == "ambiguous"
    assert not exchange.complete


@pytest.mark.requirement("I2")
async def test_a_legacy_client_that_leaves_has_not_cancelled() -> None:
    shop = await Shop.build(limits=AT_ONCE)
    await shop.agent.initialize()
    exchange = shop.agent.legacy_call("orders__slow", {"order": "A1"})
    orders = shop.world.upstreams[ORDERS]
    await orders.until_executed(1)
    await exchange.until_chunks(1)
    exchange.leave()
    orders.release()
    await exchange.done()
    assert orders.cancelled == []
    assert [entry["decision"] for entry in await shop.world.entries()][-1] == "returned"


@pytest.mark.requirement("I2")
async def test_a_legacy_client_cancels_its_own_call_by_id() -> None:
    shop = await Shop.build()
    await shop.agent.initialize()
    orders = shop.world.upstreams[ORDERS]
    exchange = shop.agent.legacy_call("orders__slow", {"order": "A1"})
    await orders.until_executed(1)
    identity = shop.agent.identity() - 1
    other = Agent(shop.app, shop.opened)
    await other.initialize()
    for agent, request_id in ((other, identity), (shop.agent, str(identity)), (shop.agent, identity + 50), (shop.agent, [1])):
        notice = await agent.legacy("notifications/cancelled", {"requestId": request_id}).done()
        assert notice.status == 202
    assert orders.cancelled == []
    await shop.agent.legacy("notifications/cancelled", {"requestId": identity, "reason": "no longer"}).done()
    await exchange.done()
    assert len(orders.cancelled) == 1
    assert exchange.answer["error"]["message"] == "cancelled by the client"
    assert [entry["decision"] for entry in await shop.world.entries()][-1] == "ambiguous"


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_nothing_executes_for_a_client_that_left_while_it_waited(era: str) -> None:
    shop = await Shop.build(limits=AT_ONCE)
    exchange = await begin(shop, era)
    ticket = await shop.ticket()
    exchange.leave()
    await exchange.done()
    await shop.world.approve(ticket)
    assert shop.refunds == 0
    assert result(await (await begin(shop, "modern")).done())["isError"] is False
    assert shop.refunds == 1


@pytest.mark.requirement("I6")
async def test_a_kill_during_a_call_is_told_to_the_client() -> None:
    shop = await Shop.build()
    exchange = shop.agent.modern_call("orders__slow", {"order": "A1"})
    await shop.world.upstreams[ORDERS].until_executed(1)
    shop.world.clock.advance(5_000)
    await shop.world.stops.stop(StopMode.KILL, Scope(ScopeKind.EVERYTHING), reason="x", by="operator:ada")
    assert result(await exchange.done())["_meta"]["ringfence/decision"]["code"] == "ambiguous"
