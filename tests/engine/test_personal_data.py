"""Personal data is off unless asked for; then it is masked, withheld, flagged or refused, and no entry holds it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ringfence.core.model.identifiers import ToolId
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.rules import ArgumentAction, InstructionAction, PersonalArguments, PersonalRule, ScanRule, SecretAction
from ringfence.core.scan.personal import Personal
from ringfence.core.scan.redactor import Redactor
from ringfence.engine.outcome import Held, Refused, Returned, Withheld
from ringfence.ports.upstream import Answered
from ringfence.testing.scenario import ORDERS, shop_rules
from ringfence.testing.world import World

WITHOUT = "[masked: card] [masked: email]"
CARD, MAIL, KEY = "4242 4242 4242 4242", "anna@firma.de", "AKIA" + "Q3EGRWT5ZXCV2B6N"
KINDS = Personal(frozenset({"card", "email"}))
GET = ToolId("orders.get")


async def world(
    personal: PersonalRule | None,
    of_tool: PersonalRule | None = None,
    scan: ScanRule | None = None,
    redactor: Redactor | None = None,
) -> World:
    rules, scan = shop_rules(), scan or ScanRule()
    servers = {name: replace(rule, scan=replace(scan, personal=personal)) for name, rule in rules.servers.items()}
    tools = {**rules.tools, GET: replace(rules.tools[GET], personal=of_tool)}
    built = await World.build(rules=replace(rules, servers=servers, tools=tools), redactor=redactor)
    built.upstreams[ORDERS].replies["get"] = Answered({"content": [{"type": "text", "text": f"{CARD} {MAIL} {KEY}"}]})
    return built


async def answer(at: World) -> Any:
    return await at.call(await at.open_run("support"), "orders__get", {"order": "A1"})


async def findings(at: World) -> list[tuple[str, str, str]]:
    body = (await at.entries())[-1]["body"]
    return [(one["class"], one["rule"], one["at"]) for one in body.get("findings", ())]


def text_of(outcome: Any) -> str:
    assert isinstance(outcome, Returned), outcome
    return outcome.result["content"][0]["text"]


async def test_it_is_off_unless_asked_for() -> None:
    at = await world(None)
    assert text_of(await answer(at)) == f"{CARD} {MAIL} [masked: aws-access-key]"
    assert [rule for _, rule, _ in await findings(at)] == ["aws-access-key"]


@pytest.mark.requirement("I4")
async def test_it_is_masked_in_results_and_the_entry_says_where() -> None:
    at = await world(PersonalRule(look_for=KINDS))
    assert text_of(await answer(at)) == "[masked: card] [masked: email] [masked: aws-access-key]"
    assert ("personal", "card", "/result/content/0/text") in await findings(at)
    assert CARD not in json.dumps(await at.entries())


async def test_each_class_has_its_own_action() -> None:
    flagged = ScanRule(secrets=SecretAction.FLAG)
    assert text_of(await answer(await world(PersonalRule(look_for=KINDS), scan=flagged))) == f"{WITHOUT} {KEY}"
    told = PersonalRule(look_for=KINDS, results=SecretAction.FLAG)
    at = await world(told)
    assert text_of(await answer(at)) == f"{CARD} {MAIL} [masked: aws-access-key]"
    assert ("personal", "email", "/result/content/0/text") in await findings(at)
    alone = ScanRule(instructions=InstructionAction.OFF, secrets=SecretAction.OFF, arguments=ArgumentAction.OFF)
    assert text_of(await answer(await world(PersonalRule(look_for=KINDS), scan=alone))) == f"{WITHOUT} {KEY}"


async def test_an_answer_with_it_can_be_withheld() -> None:
    outcome = await answer(await world(PersonalRule(look_for=KINDS, results=SecretAction.WITHHOLD)))
    assert isinstance(outcome, Withheld)
    assert outcome.why is Held.PERSONAL


async def test_a_tool_has_its_own_rule() -> None:
    off = PersonalRule(look_for=KINDS, results=SecretAction.OFF, arguments=PersonalArguments.OFF)
    assert MAIL in text_of(await answer(await world(PersonalRule(look_for=KINDS), of_tool=off)))
    assert MAIL not in text_of(await answer(await world(None, of_tool=PersonalRule(look_for=KINDS))))


@pytest.mark.parametrize("action", PersonalArguments)
@pytest.mark.requirement("I4")
async def test_what_an_agent_sends_is_denied_masked_flagged_or_left_alone(action: PersonalArguments) -> None:
    at = await world(PersonalRule(look_for=KINDS, results=SecretAction.OFF, arguments=action))
    outcome = await at.call(await at.open_run("support"), "orders__get", {"order": f"for {MAIL}"})
    sent = [json.loads(one.arguments) for one in at.upstreams[ORDERS].executed]
    if action is PersonalArguments.DENY:
        assert isinstance(outcome, Refused)
        assert (outcome.code, sent) == (ReasonCode.ARGUMENTS, [])
        assert "email in /order" in outcome.reasons[0].detail
    else:
        assert isinstance(outcome, Returned)
        masked = action is PersonalArguments.MASK
        assert sent == [{"order": "for [masked: email]" if masked else f"for {MAIL}"}]
        found = [("personal", "email", "/arguments/order")]
        assert [one for one in await findings(at) if one[0] == "personal"] == ([] if action is PersonalArguments.OFF else found)
    assert (MAIL in json.dumps(await at.entries())) is (action is PersonalArguments.OFF)


async def test_an_own_secret_is_refused_also_where_personal_data_is_masked() -> None:
    redactor = Redactor()
    redactor.learn("own-secret-value")
    at = await world(PersonalRule(look_for=KINDS, arguments=PersonalArguments.MASK), redactor=redactor)
    outcome = await at.call(await at.open_run("support"), "orders__get", {"order": f"own-secret-value {MAIL}"})
    assert isinstance(outcome, Refused)
    assert not at.upstreams[ORDERS].executed


async def test_rules_that_are_read_again_hold_for_the_next_call() -> None:
    at = await world(None)
    assert MAIL in text_of(await answer(at))
    rules = at.catalogue.rules
    personal = ScanRule(personal=PersonalRule(look_for=KINDS))
    servers = {name: replace(rule, scan=personal) for name, rule in rules.servers.items()}
    at.catalogue.replace(replace(rules, servers=servers), at.catalogue.upstreams)
    assert MAIL not in text_of(await answer(at))
