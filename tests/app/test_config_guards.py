"""`guards:` under `limits:`, and `stop_when:` of an agent."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ringfence.app.config.load import parse_config
from ringfence.core.model.guards import NO_GUARDS, Burning, Guard, GuardRules, Repeats
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.stop_when import NEVER, StopWhen
from ringfence.core.rules import Rules
from ringfence.errors import ConfigError

MODELS = {"upstreams": {"main": {"url": "https://models.example"}}}


def rules(limits: Any = None, *, models: bool = True, own: Any = None, stop_when: Any = None) -> Rules:
    agent: dict[str, Any] = {"purpose": "works", "tools": ["a.b"]}
    agent |= {"limits": own} if own is not None else {}
    agent |= {"stop_when": stop_when} if stop_when is not None else {}
    file: dict[str, Any] = {"version": 1, "servers": {"a": {"command": ["a"]}}, "tools": {"a.b": {}}, "agents": {"x": agent}}
    file |= {"models": MODELS} if models else {}
    file |= {"limits": limits} if limits is not None else {}
    return parse_config(json.dumps(file).encode(), Path("/etc/rf/ringfence.yaml")).rules


def complaint(**given: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        rules(**given)
    return str(caught.value)


def test_they_are_on_where_models_are_behind_the_gateway_and_off_elsewhere() -> None:
    assert rules().guards == GuardRules()
    assert rules(models=False).guards == NO_GUARDS
    assert rules({"guards": True}, models=False).guards == GuardRules()
    assert rules({"guards": False}).guards == NO_GUARDS


def test_each_of_them_can_be_changed_or_switched_off() -> None:
    found = rules(
        {"guards": {"identical": {"pause": 50}, "failing": False, "burn": {"warn": 3, "floor": 0.5}, "alike": {"pause": 5}}}
    ).guards
    assert found == GuardRules(
        identical=Repeats(10, 50),
        alike=Repeats(5, 5),
        failing=None,
        burn=Burning(warn=3, floor_micro=500_000),
    )
    spaced = rules({"guards": {"no_progress": {"warn": 2, "pause": 3, "spacing": "1m"}}}).guards
    assert spaced is not None
    assert spaced.no_progress == Repeats(2, 3, 60_000)


def test_an_agents_own_replace_those_of_the_gateway() -> None:
    limits = rules({"guards": False}, own={"guards": {"burn": False}}).agents[AgentId("x")].limits
    assert limits.guards == GuardRules(burn=None)
    assert rules(own={"guards": False}).agents[AgentId("x")].limits.guards == NO_GUARDS
    assert rules(own={"calls_per_run": 3}).agents[AgentId("x")].limits.guards is None


def test_a_warning_after_the_pause_and_what_nobody_knows_are_faults() -> None:
    assert "would come after the pause" in complaint(limits={"guards": {"alike": {"warn": 9, "pause": 3}}})
    assert "would come after the pause" in complaint(own={"guards": {"burn": {"warn": 90}}})
    assert "idle" in complaint(limits={"guards": {"idle": True}})
    assert "guards" in complaint(limits={"guards": "yes"})


def test_conditions_of_an_agent_become_what_the_decision_reads() -> None:
    given = {"actions": 500, "destructive": True, "suspicious": True, "untrusted": True, "signals": ["incident", "night-shift"]}
    found = rules(stop_when=given).agents[AgentId("x")].limits.stop_when
    assert found == StopWhen(
        actions=500, destructive=True, suspicious=True, untrusted=True, signals=frozenset({"incident", "night-shift"})
    )
    assert rules().agents[AgentId("x")].limits.stop_when == NEVER


def test_conditions_that_mean_nothing_are_faults() -> None:
    assert "actions" in complaint(stop_when={"actions": 0})
    assert "signals" in complaint(stop_when={"signals": ["two words"]})
    assert "tired" in complaint(stop_when={"tired": True})


DOCS = (Path(__file__).parents[2] / "docs" / "guards.md").read_text("utf-8")
BEFORE = """\
version: 1
models: {upstreams: {main: {url: "https://models.example"}}}
servers: {files: {command: [files]}}
tools: {files.read: {}}
"""


def test_the_examples_of_the_documentation_are_read() -> None:
    guards, stop_when = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
    coder = parse_config((BEFORE + guards).encode(), Path("/etc/rf/ringfence.yaml")).rules.agents[AgentId("coder")]
    assert coder.limits.guards == GuardRules(no_progress=Repeats(10, 30, 2_000), burn=Burning(3, 10, 5_000_000), alike=None)
    cleaner = parse_config((BEFORE + stop_when).encode(), Path("/etc/rf/ringfence.yaml")).rules.agents[AgentId("cleaner")]
    assert cleaner.limits.stop_when == StopWhen(
        actions=500, destructive=True, suspicious=True, untrusted=True, signals=frozenset({"incident"})
    )


def test_the_documentation_has_the_numbers_that_hold() -> None:
    told = {name: (int(warn), int(pause)) for name, warn, pause in re.findall(r"\| `(\w+)` \|.*\| (\d+) \| (\d+) \|", DOCS)}
    rules = GuardRules()
    assert told == {guard.value: (getattr(rules, guard).warn, getattr(rules, guard).pause) for guard in Guard}
    assert "`spacing` (5 s)" in DOCS


def test_conditions_are_told_in_words() -> None:
    told = StopWhen(actions=5, destructive=True, untrusted=True, signals=frozenset({"b", "a"})).in_words
    assert told == ("5 actions", "destructive", "untrusted", "signal a", "signal b")
    assert NEVER.in_words == ()
