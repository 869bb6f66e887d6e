"""A tool's own credential: agents and the log see its name, the server gets its value, and what was minted is gone after it."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from ringfence.core.model.assumed_role import AssumedRole, PolicyArgument
from ringfence.core.model.credential import MintedGrant, Minting, Place, ToolCredential
from ringfence.core.model.identifiers import ServerId, ToolId
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.rules import Rules, ServerRule
from ringfence.engine.outcome import NotSent, Refused, Returned, Waiting
from ringfence.engine.request import ToolRequest
from ringfence.engine.secrets.injection import HELD_BACK, Injection
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.ports.upstream import Answered, Reply, Sending
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.minter import FakeMinter
from ringfence.testing.fakes.secrets import FakeSecrets
from ringfence.testing.fakes.upstream import FakeUpstream
from ringfence.testing.scenario import READ, REFUND, definition, shop_rules, tool_rule
from ringfence.testing.world import World, presented

BOOKS = ServerId("books")
CANARY = "pg-canary-0001"
DSN = {"type": "string", "pattern": "^postgresql://"}
BY_REFERENCE = ToolCredential(place=Place.ARGUMENT, name="dsn", reference="fake:one")
MINTING = Minting(
    minter="sales", grants=(MintedGrant(on="table orders", privileges=("select",)),), lifetime_s=60, statement_s=5
)
MINTED = ToolCredential(place=Place.ARGUMENT, name="dsn", minting=MINTING)


class Shop:
    """A world whose server `books` has one tool, `report`, with a credential."""

    def __init__(self, world: World, books: FakeUpstream, minter: FakeMinter, secrets: FakeSecrets, learnt: list[str]) -> None:
        self.world, self.books, self.minter, self.secrets = world, books, minter, secrets
        self.learnt = learnt
        """What is masked from then on."""

    async def call(self, arguments: dict[str, Any] | None = None) -> Any:
        run = await self.world.open_run()
        return await self.world.call(run, "books__report", arguments or {"month": "May"})

    async def log(self) -> str:
        return json.dumps(await self.world.entries())


def rules(credential: ToolCredential, profile: Any = READ, *, closed: bool = True) -> Rules:
    base = shop_rules(tools=(tool_rule("books.report", profile, credential=credential, closed=closed),))
    agents = {name: replace(agent, tools=("books.*",)) for name, agent in base.agents.items()}
    return replace(base, agents=agents, servers={**base.servers, BOOKS: ServerRule(id=BOOKS)})


async def shop(credential: ToolCredential, profile: Any = READ, *, closed: bool = True) -> Shop:
    clock = FakeClock()
    learnt: list[str] = []
    minter, secrets = FakeMinter(clock), FakeSecrets(one=CANARY)
    books = FakeUpstream([definition("report", {"month": {"type": "string"}, "dsn": DSN}, ["dsn", "month"])])
    injection = Injection(SecretBook({"fake": secrets}, clock), lambda _: {"sales": minter}, learn=learnt.append)
    world = await World.build(
        rules=rules(credential, profile, closed=closed), upstreams={BOOKS: books}, clock=clock, injection=injection
    )
    return Shop(world, books, minter, secrets, learnt)


def sent(shop: Shop) -> list[dict[str, Any]]:
    return [json.loads(sending.arguments) for sending in shop.books.executed]


@pytest.mark.requirement("I9")
@pytest.mark.parametrize("credential", [BY_REFERENCE, MINTED])
async def test_the_server_gets_the_value_and_nobody_else_does(credential: ToolCredential) -> None:
    at = await shop(credential)
    at.books.acts["report"] = _say_done
    assert isinstance(await at.call(), Returned)
    value = sent(at)[0]["dsn"]
    assert value == (CANARY if credential is BY_REFERENCE else f"fake://{at.minter.made[0]}:pw-{at.minter.made[0]}@db")
    assert value not in await at.log()
    assert credential.placeholder in await at.log()
    assert value not in repr(at.books.executed[0].headers)


async def _say_done(sending: Sending) -> Reply:
    del sending
    return Answered({"content": [{"type": "text", "text": "done"}]})


async def test_the_agent_is_not_shown_the_argument() -> None:
    at = await shop(MINTED)
    run = await at.world.open_run()
    view = at.world.catalogue.view(run.run.agent)
    assert view is not None
    assert "dsn" not in json.dumps(dict(view.tools[ToolId("books.report")].definition))


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("closed", [True, False])
async def test_an_agent_that_sets_the_argument_itself_is_refused(closed: bool) -> None:
    at = await shop(MINTED, closed=closed)
    refused = await at.call({"month": "May", "dsn": "postgresql://me@evil/db"})
    assert isinstance(refused, Refused)
    assert refused.reasons[0].code is ReasonCode.ARGUMENTS
    assert (at.books.executed, at.minter.made) == ([], [])


@pytest.mark.requirement("I4", "I9")
@pytest.mark.parametrize("alias", ["DSN", "d\u017fn", "ｄｓｎ"])
async def test_what_a_server_could_take_for_the_argument_is_refused_too(alias: str) -> None:
    """Some decoders fold the case of names, and of two that are the same then the last one counts."""
    at = await shop(BY_REFERENCE, closed=False)
    refused = await at.call({"month": "May", alias: "postgresql://me@evil/db"})
    assert isinstance(refused, Refused)
    assert refused.reasons[0].code is ReasonCode.ARGUMENTS
    assert at.books.executed == []


async def test_a_placeholder_from_an_agent_is_refused_too() -> None:
    at = await shop(MINTED)
    assert isinstance(await at.call({"month": "May", "dsn": MINTED.placeholder}), Refused)


async def test_what_was_minted_is_gone_when_the_answer_is_there() -> None:
    at = await shop(MINTED)
    seen: list[int] = []

    async def act(sending: Sending) -> Reply:
        seen.append(len(at.minter.in_force))
        return await _say_done(sending)

    at.books.acts["report"] = act
    assert isinstance(await at.call(), Returned)
    assert (seen, at.minter.in_force) == ([1], {})
    assert at.learnt == [f"fake://{at.minter.made[0]}:pw-{at.minter.made[0]}@db", f"pw-{at.minter.made[0]}"]


async def test_the_outcome_names_what_was_minted() -> None:
    at = await shop(MINTED)
    await at.call()
    outcome = (await at.world.entries())[-1]
    assert outcome["body"]["credential"] == at.minter.made[0]


async def test_the_decision_names_where_the_credential_comes_from() -> None:
    at = await shop(MINTED)
    await at.call()
    bodies = [entry["body"]["credential"] for entry in await at.world.entries() if entry["kind"] == "decision"]
    assert bodies == [{"as": "argument dsn", "from": "minted by sales: select on table orders"}]


async def test_what_was_minted_is_gone_after_a_cancelled_call() -> None:
    at = await shop(MINTED)
    at.books.hanging.add("report")
    run = await at.world.open_run()
    request = ToolRequest("books__report", {"month": "May"})
    task = asyncio.create_task(at.world.enforcer.enforce(presented(run), request))
    async with asyncio.timeout(10):
        await at.books.until_executed(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await at.world.injection.close()
    assert at.minter.in_force == {}


@pytest.mark.requirement("I3")
async def test_without_its_credential_a_call_is_not_sent() -> None:
    at = await shop(MINTED)
    at.minter.broken = "sales-db is down"
    outcome = await at.call()
    assert isinstance(outcome, NotSent)
    assert outcome.why == HELD_BACK
    assert at.books.executed == []


@pytest.mark.requirement("I3")
async def test_a_missing_secret_stops_the_call_and_tells_the_agent_nothing() -> None:
    at = await shop(BY_REFERENCE)
    at.secrets.values.clear()
    outcome = await at.call()
    assert isinstance(outcome, NotSent)
    assert "fake:one" not in outcome.why
    assert at.books.executed == []


async def test_what_could_not_be_ended_is_ended_by_the_next_sweep() -> None:
    at = await shop(MINTED)

    async def act(sending: Sending) -> Reply:
        at.minter.broken = "gone"
        return await _say_done(sending)

    at.books.acts["report"] = act
    assert isinstance(await at.call(), Returned)
    assert len(at.minter.in_force) == 1
    at.minter.broken = ""
    await at.world.injection.sweep()
    assert at.minter.in_force == {}


@pytest.mark.requirement("I15")
async def test_the_card_names_the_credential_and_the_approved_call_is_sent_with_it() -> None:
    at = await shop(MINTED, REFUND)
    run = await at.world.open_run()
    waiting = await at.world.call(run, "books__report", {"month": "May"})
    assert isinstance(waiting, Waiting)
    card = json.loads(waiting.ticket.card)
    assert [(line["pointer"], line["value"]) for line in card["fixed"]] == [("/dsn", MINTED.placeholder)]
    await at.world.approve(waiting.ticket)
    assert isinstance(await at.world.call(run, "books__report", {"month": "May"}), Returned)
    assert len(at.minter.made) == 1


@pytest.mark.requirement("I5")
async def test_a_credential_that_changed_since_the_approval_is_not_used() -> None:
    at = await shop(MINTED, REFUND)
    run = await at.world.open_run()
    waiting = await at.world.call(run, "books__report", {"month": "May"})
    assert isinstance(waiting, Waiting)
    await at.world.approve(waiting.ticket)
    before = at.world.catalogue.rules
    wider = replace(MINTING, grants=(MintedGrant(on="table orders", privileges=("select", "delete")),))
    tool = replace(before.tools[ToolId("books.report")], credential=replace(MINTED, minting=wider))
    at.world.catalogue.replace(replace(before, tools={**before.tools, tool.id: tool}), at.world.catalogue.upstreams)
    assert not isinstance(await at.world.claim(run, waiting.ticket), Returned)
    assert (at.books.executed, at.minter.made) == ([], [])


async def test_a_header_goes_with_the_call_and_not_into_its_arguments() -> None:
    at = await shop(ToolCredential(place=Place.HEADER, name="x-api-key", reference="fake:one"))
    await at.call({"month": "May", "dsn": "postgresql://db"})
    sending = at.books.executed[0]
    assert {name: value.reveal() for name, value in sending.headers.items()} == {"x-api-key": CANARY}
    assert json.loads(sending.arguments) == {"month": "May", "dsn": "postgresql://db"}


async def test_a_value_that_would_end_the_header_is_not_sent() -> None:
    at = await shop(ToolCredential(place=Place.HEADER, name="x-api-key", reference="fake:one"))
    at.secrets.values["one"] = "a\r\nx-admin: yes"
    assert isinstance(await at.call({"month": "May", "dsn": "postgresql://db"}), NotSent)
    assert at.books.executed == []


async def test_a_variable_has_a_process_of_its_own_until_its_value_changes() -> None:
    at = await shop(ToolCredential(place=Place.ENV, name="TOKEN", reference="fake:one"))
    run = await at.world.open_run()
    arguments = {"month": "May", "dsn": "postgresql://db"}
    for _ in range(2):
        await at.world.call(run, "books__report", arguments)
    at.secrets.values["one"] = "rotated"
    at.world.clock.advance(60_000)
    await at.world.call(await at.world.open_run(), "books__report", arguments)
    principals = [sending.principal for sending in at.books.executed]
    assert principals[0] == principals[1] == f"run:{run.run.id}|books.report|0"
    assert principals[2].endswith("|books.report|1")
    assert at.books.executed[2].env["TOKEN"].reveal() == "rotated"


async def test_a_minted_variable_has_a_process_for_one_call() -> None:
    at = await shop(ToolCredential(place=Place.ENV, name="DATABASE_URL", minting=MINTING))
    await at.call({"month": "May", "dsn": "postgresql://db"})
    assert at.books.forgotten == [at.books.executed[0].principal]
    assert at.minter.in_force == {}


STATEMENT = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"<month>"}]}'
ROLE = AssumedRole(
    arn="arn:aws:iam::123456789012:role/reader", policy=STATEMENT, arguments=(PolicyArgument(name="month", pointer="/month"),)
)
BOTH = (("ID", "user"), ("KEY", "password"))
ASSUMED = ToolCredential(
    place=Place.ENV, name="AWS_*", minting=Minting(minter="sales", role=ROLE, lifetime_s=900, margin_s=300, variables=BOTH)
)


@pytest.mark.requirement("I8")
async def test_a_session_policy_of_the_calls_own_arguments_is_asked_for_and_several_variables_are_set() -> None:
    at = await shop(ASSUMED, closed=False)
    at.books.acts["report"] = _say_done
    assert isinstance(await at.call({"month": "May", "dsn": "postgresql://x"}), Returned)
    (sending,) = at.books.executed
    assert {name: value.reveal() for name, value in sending.env.items()} == {
        "ID": at.minter.made[0],
        "KEY": f"pw-{at.minter.made[0]}",
    }
    (need,) = at.minter.asked
    assert (need.role, need.policy, need.margin_s) == (ROLE.arn, STATEMENT.replace("<month>", "May"), 300)
    assert ROLE.arn in await at.log()


@pytest.mark.requirement("I8")
async def test_an_argument_that_does_not_fit_into_the_policy_is_denied_and_nothing_is_minted() -> None:
    at = await shop(ASSUMED, closed=False)
    refused = await at.call({"month": "*", "dsn": "postgresql://x"})
    assert isinstance(refused, Refused)
    assert (refused.reasons[0].code, refused.reasons[0].check) == (ReasonCode.ARGUMENTS, "arguments")
    assert at.minter.made == []


async def test_a_value_that_the_minter_does_not_make_stops_the_call() -> None:
    at = await shop(replace(MINTED, minting=replace(MINTING, value="json")))
    assert isinstance(await at.call(), NotSent)
    assert at.minter.in_force == {}
