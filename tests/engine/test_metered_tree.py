"""Requests to models by a whole tree of runs at once, through the engine: counted to the micro-unit, never past a cap."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ringfence.core.ledger.moves import used_of
from ringfence.core.metering.prices import cost
from ringfence.core.metering.request import ModelRequest, read_request
from ringfence.core.metering.rules import ModelRules, ModelUpstreamRule
from ringfence.core.metering.tokens import Tokens, Usage
from ringfence.core.model.agent import Limits
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import ModelCap, ModelLimits
from ringfence.core.own_tools.modelling import Act
from ringfence.core.rules import AgentRule, Rules
from ringfence.engine.models.asking import Asking, Given
from ringfence.engine.outcome import Ambiguous, Refused, Returned
from ringfence.engine.runs.runs import Opened
from ringfence.ports.audit import AuditQuery
from ringfence.ports.model_upstream import ModelPost
from ringfence.ports.notifier import AlertKind
from ringfence.testing.fakes.model_upstream import FakeModel
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World, presented

MODEL_RULES = ModelRules(upstreams=(ModelUpstreamRule(name="vendor"),))
MODEL = "claude-sonnet-4-5"
WIDTH, DEPTH, REQUESTS = 20, 5, 1000


@dataclass
class Quiet:
    """A client that stays."""

    is_gone: bool = False

    def watch(self, gone: Callable[[], None]) -> None:
        pass

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        raise AssertionError("nothing here is a stream")

    async def write(self, data: bytes) -> None:
        raise AssertionError("nothing here is a stream")

    async def break_off(self, last: bytes, *, at_once: bool) -> None:
        pass


def rules_for(*caps: ModelCap, streams: int | None = None, shrinks: bool = False) -> Rules:
    limits = Limits(calls_per_run=3, model=ModelLimits(caps=caps, streams=streams, shrinks=shrinks))
    asks = AgentRule(id=SUPPORT, purpose="asks models", tools=(), models=("*",), limits=limits)
    return replace(shop_rules(agents=(asks,)), models=MODEL_RULES)


def a_body(max_tokens: int = 400, text: str = "hello") -> bytes:
    return json.dumps({"model": MODEL, "max_tokens": max_tokens, "messages": [{"role": "user", "content": text}]}).encode()


async def ask(world: World, run: Opened, body: bytes) -> Given:
    request = read_request(body)
    assert isinstance(request, ModelRequest)
    asking = Asking(act=Act.MESSAGES, request=request, digest=hashlib.sha256(body).hexdigest())
    post = ModelPost(method="POST", target="/v1/messages", body=body)
    return await world.models.ask(presented(run), post, asking, Quiet())


async def spent(world: World, meter: str) -> int:
    (found,) = await world.store.meters([meter])
    return used_of(found, world.clock.now()) if found is not None else 0


def priced(usage: Mapping[str, int]) -> int:
    """What an answer costs by the price table."""
    tokens = Tokens(plain=usage["input_tokens"], output=usage["output_tokens"])
    found = cost(Usage(model=MODEL, tokens=tokens), MODEL_RULES.prices)
    assert found is not None
    return found


@pytest.mark.requirement("I7")
async def test_a_thousand_requests_over_a_tree_at_the_edge_of_one_cap_are_counted_to_the_micro_unit() -> None:
    drawn, reported = random.Random(11), list[Mapping[str, int]]()

    def usage(asked: Mapping[str, Any]) -> Mapping[str, int] | None:
        if drawn.random() < 0.05:
            return None
        said = {"input_tokens": drawn.randrange(10, 100), "output_tokens": drawn.randrange(asked["max_tokens"] + 1)}
        reported.append(said)
        return said

    cap = ModelCap(MeterKind.SPEND, 5_000_001)
    counted = ModelCap(MeterKind.MODEL_CALLS, 10_000)
    world = await World.build(rules=rules_for(cap, counted), models={"vendor": FakeModel(usage)})
    root = await world.open_run()
    runs = [root]
    for _ in range(WIDTH):
        above = root
        for _ in range(DEPTH):
            above = await world.open_run(parent=above.run)
            runs.append(above)
    meter, highest = f"spend:run/{root.run.id}:all", 0

    async def one(number: int) -> Given:
        nonlocal highest
        given = await ask(world, runs[number % len(runs)], a_body(drawn.randrange(1, 4000)))
        highest = max(highest, await spent(world, meter))
        return given

    answers = await asyncio.gather(*(one(number) for number in range(REQUESTS)))
    kinds = Counter(type(answer.outcome) for answer in answers)
    assert set(kinds) == {Returned, Refused, Ambiguous}, kinds
    assert sum(kinds.values()) == REQUESTS
    codes = {answer.outcome.code.value for answer in answers if isinstance(answer.outcome, Refused)}
    assert codes == {"spend_cap"}
    outcomes = [answer.outcome for answer in answers if isinstance(answer.outcome, Returned)]
    # Of a request that nobody heard of what it held is spent.
    lost = [answer.outcome.entry for answer in answers if isinstance(answer.outcome, Ambiguous)]
    decided = [await world.log.record_at(int(entry.removeprefix("e"))) for entry in lost]
    held = sum(json.loads(record.leaf)["body"]["arguments"]["most"]["micro"] for record in decided if record is not None)
    assert held > 0
    assert await spent(world, meter) == sum(priced(each) for each in reported) + held <= highest <= cap.cap
    assert len(reported) == len(outcomes)
    assert await spent(world, f"model_calls:run/{root.run.id}:all") == len(outcomes) + len(lost)
    assert await world.store.holds() == {}
    assert (await world.store.account(root.run.id)).spent == 0
    # What is left serves whoever fits into it, and nobody else.
    for _ in range(REQUESTS):
        last = await ask(world, root, a_body(4000))
        if isinstance(last.outcome, Refused):
            break
    else:
        raise AssertionError("the cap never bound")
    refused = json.loads((await world.log.query(AuditQuery(decision="deny", limit=1)))[0].leaf)
    left = cap.cap - await spent(world, meter)
    assert 0 <= left < refused["body"]["arguments"]["most"]["micro"]


async def test_a_cap_that_ran_out_says_so_once_and_a_raise_opens_it() -> None:
    def usage(asked: Mapping[str, Any]) -> Mapping[str, int]:
        return {"input_tokens": 100, "output_tokens": asked["max_tokens"]}

    world = await World.build(rules=rules_for(ModelCap(MeterKind.TOKENS_OUT, 1000)), models={"vendor": FakeModel(usage)})
    run = await world.open_run()
    for _ in range(2):
        assert isinstance((await ask(world, run, a_body(500))).outcome, Returned)
    refused = [(await ask(world, run, a_body(1))).outcome for _ in range(2)]
    for outcome in refused:
        assert isinstance(outcome, Refused)
        assert outcome.ran_out is not None
        assert (outcome.code.value, outcome.ran_out.meter) == ("token_cap", f"tokens_out:run/{run.run.id}:all")
    told = [alert.text for alert in world.notifier.of(AlertKind.CAP_NEAR)]
    meter = f"tokens_out:run/{run.run.id}:all"
    assert told == [
        f"50 % of a cap: {meter} has used 500 of 1000",
        f"100 % of a cap: {meter} has used 1000 of 1000",
        f"a cap does not bear what agent support asks of models: {meter} of 1000",
    ]
    ada = await world.operator("ada")
    await world.budgets.raise_cap(run.run.id, "tokens_out", 300, operator=ada, reason="a longer answer")
    assert isinstance((await ask(world, run, a_body(300))).outcome, Returned)


async def test_near_a_cap_an_answer_is_made_shorter_where_that_is_allowed() -> None:
    def usage(asked: Mapping[str, Any]) -> Mapping[str, int]:
        return {"input_tokens": 100, "output_tokens": asked["max_tokens"]}

    model = FakeModel(usage)
    world = await World.build(rules=rules_for(ModelCap(MeterKind.TOKENS_OUT, 1000), shrinks=True), models={"vendor": model})
    run = await world.open_run()
    assert isinstance((await ask(world, run, a_body(700))).outcome, Returned)
    assert isinstance((await ask(world, run, a_body(700))).outcome, Returned)
    assert [json.loads(post.body)["max_tokens"] for post in model.sent] == [700, 300]
    assert isinstance((await ask(world, run, a_body(700))).outcome, Refused)
    assert await spent(world, f"tokens_out:run/{run.run.id}:all") == 1000


@pytest.mark.requirement("I14")
async def test_a_child_a_new_credential_and_a_closed_run_bring_no_budget_back() -> None:
    def usage(asked: Mapping[str, Any]) -> Mapping[str, int]:
        return {"input_tokens": 100, "output_tokens": asked["max_tokens"]}

    world = await World.build(rules=rules_for(ModelCap(MeterKind.TOKENS_OUT, 600)), models={"vendor": FakeModel(usage)})
    root = await world.open_run()
    assert isinstance((await ask(world, root, a_body(500))).outcome, Returned)
    child = await world.open_run(parent=root.run)
    assert isinstance((await ask(world, child, a_body(101))).outcome, Refused)
    assert isinstance((await ask(world, child, a_body(100))).outcome, Returned)
    other = await world.open_run(parent=root.run)
    assert isinstance((await ask(world, other, a_body(1))).outcome, Refused)
    assert isinstance((await ask(world, root, a_body(1))).outcome, Refused)
