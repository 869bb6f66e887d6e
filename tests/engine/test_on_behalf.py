"""In whose name a call reaches its server: whose token is exchanged, how long what comes of it is used, and what is refused."""

import asyncio
import json
from dataclasses import replace

import pytest

from ringfence.core.model.identifiers import RunId, ServerId
from ringfence.core.model.run import Posture
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.identity.identify import Presented, Vouched
from ringfence.engine.identity.on_behalf import MARGIN_MS, REFUSED_MS, OnBehalf
from ringfence.engine.outcome import NotSent, Outcome, Returned
from ringfence.engine.request import ToolRequest
from ringfence.errors import UnavailableError
from ringfence.ports.exchange import Exchanged
from ringfence.ports.identity import Outsider
from ringfence.ports.secrets import Secret
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.world import World, presented

pytestmark = pytest.mark.requirement("I8")

ORDERS = ServerId("orders")
LIFE_MS = 600_000


class FakeExchange:
    """Implements `ringfence.ports.exchange.TokenExchange`."""

    target = "https://orders.example"

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.asked: list[str] = []
        self.why = ""
        self.life_ms: int | None = 300_000
        self.gives = ""

    async def exchange(self, subject: Secret) -> Exchanged:
        self.asked.append(subject.reveal())
        await asyncio.sleep(0)
        if self.why:
            raise UnavailableError(self.why)
        expires = None if self.life_ms is None else self.clock.now() + self.life_ms
        return Exchanged(Secret(self.gives or f"exchanged-token-{len(self.asked)}"), expires)


class Shop:
    """A world whose server `orders` is reached in the name of users."""

    def __init__(self, world: World, exchange: FakeExchange) -> None:
        self.world, self.exchange = world, exchange
        self.until = world.clock.now() + LIFE_MS

    async def user(self, name: str = "u1", token: str = "users-own-token-1") -> Presented:
        outsider = Outsider(
            subject=name,
            agent="support",
            until=self.until,
            binding="",
            still=lambda: True,
            token=Secret(token) if token else None,
        )
        vouched = await self.world.outsiders.admit(outsider)
        assert isinstance(vouched, Vouched)
        return Presented("", Posture.SEPARATE, frozenset(), vouched)

    async def call(self, sent: Presented, order: str = "A1") -> Outcome:
        return await self.world.enforcer.enforce(sent, ToolRequest("orders__get", {"order": order}))

    @property
    def bearers(self) -> list[str]:
        return [s.bearer.reveal() if s.bearer is not None else "" for s in self.world.upstreams[ORDERS].executed]

    async def log(self) -> str:
        return json.dumps(await self.world.entries())


async def shop() -> Shop:
    clock, redactor = FakeClock(), Redactor()
    exchange = FakeExchange(clock)
    on_behalf = OnBehalf(clock, redactor.learn, {ORDERS: exchange})
    return Shop(await World.build(clock=clock, on_behalf=on_behalf, redactor=redactor), exchange)


async def test_the_server_gets_what_the_users_token_was_exchanged_for_and_never_that_itself() -> None:
    at = await shop()
    assert isinstance(await at.call(await at.user()), Returned)
    assert at.bearers == ["exchanged-token-1"]
    (sending,) = at.world.upstreams[ORDERS].executed
    assert sending.bearer_for == "https://orders.example"
    assert "users-own" not in repr(sending) + repr(dict(sending.headers)) + sending.arguments.decode()
    log = await at.log()
    assert "exchanged for https://orders.example" in log
    assert "users-own-token" not in log
    assert "exchanged-token" not in log


async def test_one_exchange_serves_the_calls_of_one_user_until_it_nearly_ends() -> None:
    at = await shop()
    user = await at.user()
    await asyncio.gather(at.call(user, "A1"), at.call(user, "A2"))
    at.world.clock.advance(300_000 - MARGIN_MS - 1)
    await at.call(user, "A3")
    assert at.exchange.asked == ["users-own-token-1"]
    at.world.clock.advance(1)
    await at.call(user, "A4")
    assert at.bearers == [*["exchanged-token-1"] * 3, "exchanged-token-2"]


async def test_two_users_never_share_a_token_and_another_token_of_one_is_exchanged_anew() -> None:
    at = await shop()
    await at.call(await at.user("u1", "token-of-u1-a"))
    await at.call(await at.user("u2", "token-of-u2"))
    await at.call(await at.user("u1", "token-of-u1-b"))
    assert at.exchange.asked == ["token-of-u1-a", "token-of-u2", "token-of-u1-b"]
    assert len(set(at.bearers)) == 3


async def test_what_was_made_of_a_token_is_not_used_beyond_that_tokens_own_end() -> None:
    at = await shop()
    at.exchange.life_ms = 10 * LIFE_MS
    await at.call(await at.user())
    at.world.clock.advance(LIFE_MS - MARGIN_MS)
    at.until += LIFE_MS
    await at.call(await at.user())
    assert len(at.exchange.asked) == 2


async def test_a_token_whose_end_nobody_names_serves_one_call() -> None:
    at = await shop()
    at.exchange.life_ms = None
    user = await at.user()
    await at.call(user, "A1")
    await at.call(user, "A2")
    assert at.bearers == ["exchanged-token-1", "exchanged-token-2"]


async def test_a_run_without_a_users_token_is_refused_at_that_server_only_and_operators_hear_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    at = await shop()
    run = await at.world.open_run()
    refused = await at.call(presented(run))
    assert isinstance(refused, NotSent)
    assert "user" not in refused.why
    assert "was not called with an access token of an issuer" in caplog.text
    assert isinstance(await at.call(await at.user(token="")), NotSent)
    assert at.bearers == []
    ticket = await at.world.ask(run)
    await at.world.approve(ticket)
    assert isinstance(await at.world.claim(run, ticket), Returned)


async def test_a_refusal_stands_for_a_moment_and_then_it_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    at = await shop()
    at.exchange.why = "the authorization server says invalid_grant"
    user = await at.user()
    assert isinstance(await at.call(user, "A1"), NotSent)
    assert isinstance(await at.call(user, "A2"), NotSent)
    assert len(at.exchange.asked) == 1
    assert "invalid_grant" in caplog.text
    at.exchange.why = ""
    at.world.clock.advance(REFUSED_MS)
    assert isinstance(await at.call(user, "A3"), Returned)


async def test_an_exchange_that_gives_the_users_own_token_back_sends_nothing() -> None:
    at = await shop()
    at.exchange.gives = "users-own-token-1"
    assert isinstance(await at.call(await at.user()), NotSent)
    assert at.bearers == []


async def test_a_token_that_the_server_does_not_accept_is_exchanged_anew_by_the_next_call() -> None:
    at = await shop()
    user = await at.user()
    await at.call(user, "A1")
    refused = at.world.upstreams[ORDERS].executed[0].on_refused
    assert refused is not None
    refused()
    await at.call(user, "A2")
    refused()
    await at.call(user, "A3")
    assert at.bearers == ["exchanged-token-1", "exchanged-token-2", "exchanged-token-2"]


async def test_the_end_of_a_run_and_another_configuration_end_what_is_kept() -> None:
    at = await shop()
    user = await at.user()
    assert user.vouched is not None
    await at.call(user, "A1")
    await at.world.on_behalf.forget(RunId("r_another"), "x")
    await at.call(user, "A2")
    assert len(at.exchange.asked) == 1
    await at.world.on_behalf.forget(user.vouched.run, "closed")
    await at.call(user, "A3")
    assert len(at.exchange.asked) == 2
    fresh = FakeExchange(at.world.clock)
    at.world.on_behalf.replace({ORDERS: fresh})
    await at.call(user, "A4")
    assert len(fresh.asked) == 1
    at.world.on_behalf.replace({})
    await at.call(user, "A5")
    assert at.bearers[-1] == ""


async def test_a_token_that_ended_while_the_call_waited_is_not_exchanged() -> None:
    at = await shop()
    user = await at.user()
    assert user.vouched is not None
    late = replace(user.vouched, until=at.world.clock.now())
    with pytest.raises(UnavailableError, match="has expired meanwhile"):
        await at.world.on_behalf.bearer(ORDERS, late.run, late)
    assert at.exchange.asked == []


async def test_both_tokens_are_masked_wherever_they_turn_up() -> None:
    at = await shop()
    redactor, passing = Redactor(), list[str]()
    on_behalf = OnBehalf(at.world.clock, redactor.learn, {ORDERS: at.exchange}, learn_passing=passing.append)
    user = await at.user()
    await on_behalf.bearer(ORDERS, RunId("r_a"), user.vouched)
    assert passing == []
    at.exchange.life_ms = None
    await on_behalf.bearer(ORDERS, RunId("r_b"), user.vouched)
    assert passing == ["exchanged-token-2"]
    assert redactor.text("users-own-token-1 exchanged-token-1") == "[masked: configured-secret] [masked: configured-secret]"
