"""What the gateway knows to be secret passes nowhere: not to the agent, into the log, to people, or out in arguments."""

import base64
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ringfence.adapters.stores.memory.store import MemoryStore
from ringfence.app.redaction import RedactedFormatter
from ringfence.core.framing import frame_unknown
from ringfence.core.mcp.client_meta import client_meta
from ringfence.core.model.identifiers import CallId, RunId
from ringfence.core.model.verdict import ReasonCode
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.unit import Conflict, Unit
from ringfence.core.rules import ArgumentAction, Grants, InstructionAction, Rules, ScanRule, SecretAction, ServerRule
from ringfence.core.scan.redactor import MASK, Redactor
from ringfence.core.scan.rule import Kind
from ringfence.core.scan.scanner import Scanner
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.alerting.alerts import Alerts
from ringfence.engine.ids import Ids
from ringfence.engine.inspection import Inspection
from ringfence.engine.mediation import mediated
from ringfence.engine.outcome import Held, Refused, Returned, ServerFailed, Withheld
from ringfence.engine.request import ClientSide
from ringfence.engine.secrets.masking import described_without
from ringfence.engine.secrets.redacted_store import redacted
from ringfence.ports.upstream import ClientAnswer, Described, Granted, ServerRequest
from ringfence.testing.fakes.clock import FakeClock
from ringfence.testing.fakes.entropy import FakeEntropy
from ringfence.testing.fakes.notifier import FakeNotifier
from ringfence.testing.scenario import ORDERS, SUPPORT, shop_rules
from ringfence.testing.world import World

pytestmark = pytest.mark.requirement("I9")
SECRET = "hunter2-s3cret-value"
SHORT = "s3cret-x1"
OFF = ScanRule(instructions=InstructionAction.OFF, secrets=SecretAction.OFF)
RULES = [OFF, ScanRule(), ScanRule(secrets=SecretAction.FLAG)]


@pytest.fixture
def redactor() -> Redactor:
    known = Redactor()
    known.learn(SECRET)
    return known


@pytest.mark.parametrize("rule", RULES)
def test_results_and_errors_are_masked_whatever_the_operator_chose(redactor: Redactor, rule: ScanRule) -> None:
    looked = Inspection(Scanner(redactor), rule)
    passed = looked.outcome(Returned({"content": [{"type": "text", "text": f"<{SECRET}>"}]}, "e1"))
    assert passed == Returned({"content": [{"type": "text", "text": f"<{MASK}>"}]}, "e1")
    failed = looked.outcome(ServerFailed(-1, f"bad {SECRET}", "e1", {"at": SECRET}))
    assert isinstance(failed, ServerFailed)
    assert (failed.message, failed.data) == (f"bad {MASK}", {"at": MASK})
    assert {(found.kind, found.at) for found in looked.findings} == {
        (Kind.OWN, "/result/content/0/text"),
        (Kind.OWN, "/error/message"),
        (Kind.OWN, "/error/data/at"),
    }


def test_an_answer_with_a_secret_is_withheld_where_secrets_are(redactor: Redactor) -> None:
    looked = Inspection(Scanner(redactor), ScanRule(secrets=SecretAction.WITHHOLD))
    passed = looked.outcome(Returned({"note": SECRET}, "e1"))
    assert isinstance(passed, Withheld)
    assert passed.why is Held.SECRET


@pytest.mark.parametrize("rule", RULES)
def test_progress_and_logs_are_masked_also_across_their_pieces(redactor: Redactor, rule: ScanRule) -> None:
    heard: list[Mapping[str, Any]] = []
    looked = Inspection(Scanner(redactor), rule)
    on_progress, on_log = looked.progress(heard.append), looked.logs(heard.append)
    assert on_progress is not None
    assert on_log is not None
    on_progress({"progress": 1, "message": f"a {SECRET[:14]}"})
    on_progress({"progress": 2, "message": f"{SECRET[14:]} b"})
    on_log({"level": "info", "data": f"c {SECRET}"})
    on_log({"level": "info", "data": {"inner": [SECRET]}})
    assert [one.get("message", one.get("data")) for one in heard] == [f"a {MASK}", f"{MASK} b", f"c {MASK}", {"inner": [MASK]}]
    assert looked.findings


def test_a_question_that_holds_a_secret_is_refused(redactor: Redactor) -> None:
    looked = Inspection(Scanner(redactor), OFF)
    assert looked.question({"message": f"is it {SECRET}?"})
    assert not looked.question({"message": "is it so?"})


async def test_no_entry_keeps_a_secret_whoever_wrote_it(redactor: Redactor) -> None:
    inner = MemoryStore()
    encoded = base64.b64encode(SECRET.encode()).decode()
    body = {"why": f"no {SECRET}", "arguments": {"a": [encoded, 1]}}
    entry = Entry(kind=EntryKind.GATEWAY, at=1, summary=f"said {SECRET}", by="gateway", body=body)
    entries = (entry, Entry(kind=EntryKind.GATEWAY, at=1, summary="x", body={}))
    receipt = await redacted(inner, Scanner(redactor)).record(Unit(entries))
    assert not isinstance(receipt, Conflict)
    written = b"".join([record.leaf async for record in inner.leaves(0, 2)])
    assert SECRET.encode() not in written
    assert encoded.encode() not in written
    assert written.count(MASK.encode()) == 3


def test_no_alert_carries_a_secret(redactor: Redactor) -> None:
    notifier = FakeNotifier()
    alerts = Alerts(notifier, Ids(FakeEntropy()), FakeClock(), redactor)
    alerts.config_rejected(f"cannot use {SECRET}")
    assert SECRET not in repr(notifier.alerts)
    assert notifier.alerts


def test_what_a_server_says_of_itself_is_masked(redactor: Redactor) -> None:
    said = Described(
        era="modern",
        capabilities={"x": SECRET},
        instructions=f"use {SECRET}",
        tools=({"name": "a", "description": SECRET},),
        prompts=({"name": "p", "title": "plain"},),
    )
    masked = described_without(said, redactor)
    assert SECRET not in repr(masked)
    assert masked.prompts == said.prompts


def test_no_line_of_the_process_log_holds_a_secret_and_no_traceback(redactor: Redactor) -> None:
    formatter = RedactedFormatter(logging.Formatter("%(message)s"), redactor)
    try:
        raise ValueError(f"cannot use {SECRET}")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed with %s", (SECRET,), (type(error), error, None))
    line = formatter.format(record)
    assert SECRET not in line
    assert line.count(MASK) == 2
    assert canonical_bytes({"line": line})


async def test_a_call_that_carries_a_secret_away_is_denied_and_its_entry_says_where_but_not_what() -> None:
    redactor = Redactor()
    redactor.learn(SHORT)
    world = await World.build(redactor=redactor)
    sent = len(world.upstreams[ORDERS].executed)
    outcome = await world.call(await world.open_run("support"), "orders__get", {"order": f"A1 {SHORT.encode().hex()}"})
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.ARGUMENTS
    assert len(world.upstreams[ORDERS].executed) == sent
    entry = (await world.entries())[-1]
    assert entry["body"]["reasons"] == [{"code": "arguments", "check": "secrets", "detail": "configured-secret in /order"}]
    assert SHORT.encode().hex() not in str(entry)
    assert entry["body"]["arguments"] == {"order": f"A1 {MASK}"}


KEY = "AKIA" + "Q3EGRWT5ZXCV2B6N"


def with_scan(rule: ScanRule) -> Rules:
    rules = shop_rules()
    return replace(rules, servers={**rules.servers, ORDERS: replace(rules.servers[ORDERS], scan=rule)})


async def test_a_credential_in_arguments_is_denied_where_the_rule_says_so_and_its_entry_does_not_hold_it() -> None:
    world = await World.build(rules=with_scan(ScanRule(arguments=ArgumentAction.DENY)))
    outcome = await world.call(await world.open_run("support"), "orders__get", {"order": KEY})
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.ARGUMENTS
    entry = (await world.entries())[-1]
    assert entry["body"]["reasons"][0]["detail"] == "aws-access-key in /order"
    assert KEY not in str(entry)
    assert entry["body"]["arguments"] == {"order": "[masked: aws-access-key]"}


@pytest.mark.parametrize(
    "meta",
    [
        {"acme.example/note": f"x {KEY}"},
        {"acme.example/note": {KEY: 1}},
        {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": f"acme={KEY}"},
        {"acme.example/note": SHORT},
    ],
)
async def test_no_credential_leaves_beside_the_arguments(meta: dict[str, Any]) -> None:
    redactor = Redactor()
    redactor.learn(SHORT)
    world = await World.build(rules=with_scan(ScanRule(arguments=ArgumentAction.DENY)), redactor=redactor)
    run = await world.open_run("support")
    outcome = await world.call(run, "orders__get", {"order": "A1"}, client=ClientSide(meta=client_meta(meta)))
    assert isinstance(outcome, Refused)
    assert outcome.code is ReasonCode.ARGUMENTS
    entry = (await world.entries())[-1]
    assert "in /_meta/" in entry["body"]["reasons"][0]["detail"]
    assert KEY not in str(entry)


async def test_what_a_client_answers_a_server_is_held_to_the_same_rule() -> None:
    scanner = Scanner(Redactor())
    looked = Inspection(scanner, ScanRule(arguments=ArgumentAction.DENY))
    looked.leaving({}, False)
    asked = {"q": ServerRequest("roots/list", {})}
    rule = ServerRule(id=ORDERS, grants=Grants(roots=True))
    call = frame_unknown(CallId("c1"), SUPPORT, RunId("r1"), "x", {})
    for said, may in ((f"file:///{KEY}", False), ("file:///home", True)):

        async def ask(requests: Mapping[str, ServerRequest], said: str = said) -> Mapping[str, ClientAnswer]:
            return {key: Granted({"roots": [{"uri": said}]}) for key in requests}

        answers = await mediated(ask, rule, call, looked)(asked)
        assert isinstance(answers["q"], Granted) is may


@pytest.mark.parametrize(
    "rule",
    [
        ScanRule(arguments=ArgumentAction.FLAG),
        ScanRule(arguments=ArgumentAction.OFF),
        ScanRule(arguments=ArgumentAction.DENY, allow=frozenset({"aws-access-key"})),
    ],
)
async def test_a_credential_that_may_leave_is_sent_as_it_is_and_kept_out_of_the_log(rule: ScanRule) -> None:
    world = await World.build(rules=with_scan(rule))
    outcome = await world.call(await world.open_run("support"), "orders__get", {"order": KEY})
    assert isinstance(outcome, Returned)
    assert KEY in str(world.upstreams[ORDERS].executed[-1].arguments)
    decided, done = (await world.entries())[-2:]
    assert KEY not in str(decided)
    found = [one for one in done["body"].get("findings", []) if one["at"].startswith("/arguments")]
    flagged = [{"class": "secret", "rule": "aws-access-key", "at": "/arguments/order", "count": 1}]
    assert found == (flagged if rule.arguments is ArgumentAction.FLAG else [])


def test_without_a_rule_what_reaches_outside_is_denied_and_the_rest_flagged() -> None:
    assert ScanRule().on_arguments(True) is ArgumentAction.DENY
    assert ScanRule().on_arguments(False) is ArgumentAction.FLAG
