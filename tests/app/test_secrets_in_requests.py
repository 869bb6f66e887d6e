"""Secrets in what agents send to models: masked, refused, or left as the operator wants it; recorded without their text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
from tests.app.model_shop import ModelShop, model_rules
from tests.core.policy_kit import local_time

from ringfence.app.data_plane import App
from ringfence.app.gateway import Gateway
from ringfence.app.wiring.models import with_models
from ringfence.core.metering.rules import ModelRules, ModelUpstreamRule, SecretsAction
from ringfence.core.model.policy import Policies
from ringfence.core.model.run import Posture
from ringfence.core.own_tools.modelling import MESSAGES
from ringfence.core.policy.reading import read_policies
from ringfence.core.policy.vocabulary import Names
from ringfence.core.rules import AgentRule
from ringfence.core.scan.redactor import Redactor
from ringfence.core.strict_json.canonical import digest_of
from ringfence.ports.notifier import AlertKind
from ringfence.testing.asgi import Exchange, start
from ringfence.testing.fakes.model_upstream import FakeModel
from ringfence.testing.fakes.notifier import FakeNotifier
from ringfence.testing.scenario import SUPPORT, shop_rules
from ringfence.testing.world import World

HOST = "127.0.0.1:7410"
KEY = "AKIA" + "Q7ZP2MNB4TRD5XKL"
TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"
OWN = "the-gateways-own-key"


async def others(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError


class Shop:
    """A gateway with one upstream, and an agent that asks it."""

    def __init__(self, world: World, app: App, model: FakeModel, credential: str) -> None:
        self.world = world
        self.app = app
        self.model = model
        self.credential = credential

    @classmethod
    async def open(cls, action: SecretsAction, allow: tuple[str, ...] = ()) -> Shop:
        asks = AgentRule(id=SUPPORT, purpose="asks models", tools=(), models=("*",))
        upstream = ModelUpstreamRule(name="vendor", secrets=action)
        rules = replace(shop_rules(agents=(asks,)), models=ModelRules(upstreams=(upstream,), allow_secrets=allow))
        model = FakeModel(lambda asked: {"input_tokens": 3, "output_tokens": 4})
        redactor = Redactor()
        redactor.learn_lasting([OWN])
        world = await World.build(rules=rules, models={"vendor": model}, redactor=redactor)
        app = with_models(cast("Gateway", world), others, (HOST,), lambda peer: Posture.SEPARATE, world.clock)
        return cls(world, app, model, (await world.open_run()).credential)

    async def ask(self, *texts: str, path: str = "/v1/messages", **members: Any) -> Exchange:
        return await self.send(written(*texts, **members), path)

    async def send(self, body: bytes, path: str = "/v1/messages") -> Exchange:
        headers = {"host": HOST, "content-type": "application/json", "x-api-key": self.credential}
        return await start(self.app, "POST", f"/anthropic{path}", headers, body).done()

    async def decision(self) -> Mapping[str, Any]:
        return [entry for entry in await self.world.entries() if entry["kind"] == "decision"][-1]["body"]


def written(*texts: str, **members: Any) -> bytes:
    messages = [{"role": "user", "content": [{"type": "text", "text": text} for text in texts]}]
    return json.dumps({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": messages, **members}).encode()


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.mark.requirement("I9")
async def test_a_credential_is_masked_before_it_leaves_and_the_record_has_rule_place_and_count() -> None:
    shop = await Shop.open(SecretsAction.MASK)
    came = written("hello", f"{KEY} and {KEY}", f"also {OWN}")
    assert (await shop.send(came)).status == 200
    (post,) = shop.model.sent
    sent = came.replace(KEY.encode(), b"[masked: aws-access-key]").replace(OWN.encode(), b"[masked: configured-secret]")
    assert post.body == sent
    facts = (await shop.decision())["arguments"]
    assert facts["secrets"] == {
        "action": "mask",
        "found": [
            {"rule": "aws-access-key", "at": "/messages/0/content/1/text", "count": 2},
            {"rule": "configured-secret", "at": "/messages/0/content/2/text", "count": 1},
        ],
        "came": digest(came),
        "why": "",
    }
    assert facts["body"] == digest(sent)
    assert facts["bytes"] == len(sent)
    log = json.dumps(await shop.world.entries())
    assert KEY not in log
    assert OWN not in log


async def test_a_request_without_secrets_goes_on_byte_for_byte_and_says_nothing_of_them() -> None:
    shop = await Shop.open(SecretsAction.MASK)
    came = b'{ "model" : "claude-sonnet-4-5", "max_tokens":9,\r\n"messages":[{"role":"user","content":"caf\\u00e9 \xc3\xa9"}]}'
    assert (await shop.send(came)).status == 200
    assert shop.model.sent[0].body == came
    assert "secrets" not in (await shop.decision())["arguments"]


async def test_where_secrets_are_refused_nothing_leaves_and_a_client_hears_what_it_stops_on() -> None:
    shop = await Shop.open(SecretsAction.REFUSE)
    answer = await shop.ask(f"the token {TOKEN}", system=f"and {KEY}")
    assert (answer.status, answer.json["error"]["type"]) == (403, "permission_error")
    assert "secret" in answer.json["error"]["message"]
    assert TOKEN.encode() not in answer.body
    assert shop.model.sent == []
    decided = await shop.decision()
    assert [reason["code"] for reason in decided["reasons"]] == ["secret"]
    assert decided["reasons"][0]["detail"] == "aws-access-key in /system, github-token in /messages/0/content/0/text"


async def test_flagged_it_leaves_as_it_is_and_is_recorded_but_for_what_the_gateway_itself_knows() -> None:
    shop = await Shop.open(SecretsAction.FLAG)
    await shop.ask(f"a {KEY}")
    assert KEY.encode() in shop.model.sent[0].body
    told = (await shop.decision())["arguments"]["secrets"]
    assert (told["action"], told["came"], told["found"][0]["rule"]) == ("flag", "", "aws-access-key")
    await shop.ask(f"a {KEY} {OWN}")
    assert KEY.encode() in shop.model.sent[1].body
    assert OWN.encode() not in shop.model.sent[1].body
    assert (await shop.decision())["arguments"]["secrets"]["action"] == "mask"


async def test_switched_off_only_what_the_gateway_itself_knows_is_masked() -> None:
    shop = await Shop.open(SecretsAction.OFF)
    await shop.ask(f"a {KEY}")
    assert KEY.encode() in shop.model.sent[0].body
    assert "secrets" not in (await shop.decision())["arguments"]
    await shop.ask(f"a {KEY} {OWN}")
    assert OWN.encode() not in shop.model.sent[1].body
    assert [one["rule"] for one in (await shop.decision())["arguments"]["secrets"]["found"]] == ["configured-secret"]


async def test_a_rule_that_is_allowed_counts_for_nothing() -> None:
    shop = await Shop.open(SecretsAction.REFUSE, allow=("aws-access-key",))
    assert (await shop.ask(f"a {KEY}")).status == 200
    assert (await shop.ask(f"a {KEY} {TOKEN}")).status == 403


async def test_the_history_is_masked_alike_each_time() -> None:
    shop = await Shop.open(SecretsAction.MASK)
    first, second = f"{KEY} " + "x" * 1000, "y" * 70_000
    await shop.ask(first)
    await shop.ask(first, second)
    one, other = (json.loads(post.body)["messages"][0]["content"] for post in shop.model.sent)
    assert other[:1] == one
    assert other[1]["text"] == second


async def test_what_counts_tokens_is_looked_through_too() -> None:
    shop = await Shop.open(SecretsAction.REFUSE)
    assert (await shop.ask(KEY, path="/v1/messages/count_tokens")).status == 403
    assert shop.model.sent == []


@pytest.mark.parametrize("action", list(SecretsAction))
async def test_what_cannot_be_looked_through_does_not_leave(action: SecretsAction) -> None:
    shop = await Shop.open(action)
    answer = await shop.ask(f"{KEY} " * 10_001)
    assert answer.status == 403
    assert shop.model.sent == []
    assert (await shop.decision())["arguments"]["secrets"]["why"] == "holds more secrets than can be masked"


async def test_people_are_told_once_in_a_run_for_each_rule_and_never_with_the_secret() -> None:
    shop = await Shop.open(SecretsAction.MASK)
    for _ in range(2):
        await shop.ask(f"{KEY} {OWN}")
    notifier = shop.world.notifier
    assert isinstance(notifier, FakeNotifier)
    told = [alert for alert in notifier.alerts if alert.kind is AlertKind.SECRET_IN_REQUEST]
    assert len({alert.id for alert in told}) == 2
    assert told[0].text == "agent support sent a secret towards a model (aws-access-key); it was masked"
    assert KEY not in json.dumps([alert.text for alert in told])


async def test_policies_may_speak_of_secrets_in_requests() -> None:
    text = """@id("no-secrets") forbid (principal, action == Action::"model.messages", resource)
    when { context.arguments has secrets
    && context.arguments.secrets has action && context.arguments.secrets.action == "mask" };"""
    rules = model_rules()
    names = Names((*rules.tools, MESSAGES), tuple(rules.servers), tuple(rules.agents))
    policies, faults = read_policies(text, "test.cedar", names, {})
    assert faults == []
    held = Policies(digest=digest_of({"text": text}), policies=tuple(policies), local_time=local_time)
    shop = await ModelShop.open(rules=replace(rules, policies=held))
    assert (await shop.ask("hello")).status == 200
    answer = await shop.ask(f"hello {KEY}")
    assert (answer.status, answer.json["error"]["message"]) == (
        403,
        "ringfence: refused: a policy of the operator forbids this call",
    )
    assert len(shop.model.sent) == 1
