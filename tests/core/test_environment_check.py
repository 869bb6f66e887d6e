"""An agent that is bound to an environment reaches what has its label, or `any`, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.core.checks.environment import environment
from ringfence.core.framing import frame
from ringfence.core.model.agent import Agent
from ringfence.core.model.call import Call
from ringfence.core.model.credential import Place, ToolCredential
from ringfence.core.model.egress import EgressRule, EgressRules
from ringfence.core.model.environment import ANY, is_within
from ringfence.core.model.facts import Facts
from ringfence.core.model.identifiers import AgentId, CallId, Millis, RunId, ServerId, ToolId
from ringfence.core.model.tool import Tool
from ringfence.core.model.verdict import Level, ReasonCode
from ringfence.core.narrowing.tightening import build_tool
from ringfence.core.own_tools.connecting import CONNECT, DEFINITION, RULE
from ringfence.core.rules import ToolRule

AGENT, RUN = AgentId("deployer"), RunId("r1")
READ = ToolRule(id=ToolId("shop.read"), server=ServerId("shop"), upstream_name="read")
DEFINED = {"name": "read", "inputSchema": {"type": "object"}}


def touched(label: str, credential: tuple[str, ...] | None = None, bound: tuple[str, ...] = ("staging",)) -> tuple[Call, Facts]:
    own = ToolCredential(place=Place.HEADER, name="X-Key", reference="env:K", environments=credential) if credential else None
    return of(build_tool(DEFINED, replace(READ, environment=label, credential=own), None), {}, EgressRules(), bound)


def reached(label: str, bound: tuple[str, ...] = ("staging",)) -> tuple[Call, Facts]:
    rules = EgressRules(rules=(EgressRule(host="db.example.com", environment=label),))
    arguments: dict[str, Any] = {"host": "db.example.com", "port": 443, "act": "tunnel", "path": "", "credential": ""}
    return of(build_tool(DEFINITION, RULE, None), arguments, rules, bound)


def of(tool: Tool, arguments: dict[str, Any], egress: EgressRules, bound: tuple[str, ...] = ("staging",)) -> tuple[Call, Facts]:
    agent = Agent(id=AGENT, purpose="to test", tools=frozenset({tool.id}), egress=egress)
    facts = Facts(now=Millis(0), chain=(), agent=agent, tool=tool, environments=frozenset(bound))
    return frame(CallId("c1"), AGENT, RUN, tool, arguments), facts


@pytest.mark.parametrize("label", ["staging", ANY])
def test_what_has_the_label_or_any_is_free(label: str) -> None:
    assert environment(*touched(label)).level is Level.ALLOW
    assert environment(*touched(label, (label,))).level is Level.ALLOW
    assert environment(*reached(label)).level is Level.ALLOW


@pytest.mark.parametrize("label", ["", "production", "staging2", "Staging"])
def test_everything_else_is_denied_with_what_it_is(label: str) -> None:
    for what, asked in (("server shop", touched(label)), ("host db.example.com:443", reached(label))):
        verdict = environment(*asked)
        assert verdict.level is Level.DENY
        (reason,) = verdict.reasons
        assert reason.code is ReasonCode.ENVIRONMENT
        assert reason.detail.startswith(what)
    (reason,) = environment(*touched("staging", ("staging", label))).reasons
    assert "the credential of shop.read" in reason.detail


def test_an_unlisted_host_is_in_no_environment() -> None:
    call, facts = reached("staging")
    elsewhere = replace(facts, agent=replace(facts.agent, egress=EgressRules()) if facts.agent else None)
    assert environment(call, elsewhere).level is Level.DENY


def test_agents_without_a_label_are_not_held_to_any() -> None:
    for label in ("", "production", "staging"):
        assert environment(*touched(label, ("other",), bound=())).level is Level.ALLOW
        assert environment(*reached(label, bound=())).level is Level.ALLOW


def test_every_label_of_the_chain_counts() -> None:
    assert environment(*touched("staging", bound=("production", "staging"))).level is Level.DENY
    assert environment(*touched(ANY, bound=("production", "staging"))).level is Level.ALLOW


def test_the_way_out_has_no_label_of_its_own() -> None:
    call, facts = reached("staging")
    assert call.tool == CONNECT
    assert environment(call, facts).level is Level.ALLOW


@given(st.text(max_size=5), st.lists(st.text(max_size=5), max_size=4))
def test_one_wrong_label_is_enough(bound: str, labels: list[str]) -> None:
    outside = any(label not in (bound, ANY) for label in labels)
    assert is_within(bound, labels) is (not bound or not outside)
