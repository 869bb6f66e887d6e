"""Caps on models under `limits:` of the gateway and of agents, and teams."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.app.config.load import parse_config
from ringfence.core.model.identifiers import AgentId
from ringfence.core.model.limits import MICRO
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import NO_MODEL_LIMITS, ModelCap, ModelLimits
from ringfence.core.rules import Rules
from ringfence.errors import ConfigError

HOUR, DAY = 3_600_000, 86_400_000
FILE = """\
version: 1
limits: {spend: 100 per day, streams: 50}
servers:
  pay: {command: [pay]}
tools:
  pay.refund: {}
teams:
  care: {limits: {spend: [{cap: 12.5, per: 4h}], shrink: true}}
agents:
  support:
    purpose: help
    team: care
    tools: [pay.refund]
    limits:
      calls_per_run: 9
      spend: [2.50 per run, {cap: 20, per: day}]
      tokens: {cap: 2000000}
      tokens_in: 5000 per run
      tokens_out: [100 per run, 900 per 1h]
      model_calls: 60 per minute
      streams: 8
      shrink: false
"""


def rules(text: str = FILE) -> Rules:
    return parse_config(text.encode(), Path("/etc/rf/ringfence.yaml")).rules


def complaints(old: str, new: str) -> str:
    assert FILE.count(old) == 1
    with pytest.raises(ConfigError) as caught:
        rules(FILE.replace(old, new))
    return str(caught.value).replace("/etc/rf/ringfence.yaml:", "")


def test_caps_on_models_become_what_the_decision_reads() -> None:
    found = rules()
    assert found.limits.model == ModelLimits(caps=(ModelCap(MeterKind.SPEND, 100 * MICRO, DAY),), streams=50)
    assert found.teams == {"care": ModelLimits(caps=(ModelCap(MeterKind.SPEND, 12_500_000, 4 * HOUR),), shrinks=True)}
    support = found.agents[AgentId("support")]
    assert support.team == "care"
    assert support.limits.calls_per_run == 9
    assert support.limits.model == ModelLimits(
        caps=(
            ModelCap(MeterKind.SPEND, 2_500_000),
            ModelCap(MeterKind.SPEND, 20 * MICRO, DAY),
            ModelCap(MeterKind.TOKENS, 2_000_000),
            ModelCap(MeterKind.TOKENS_IN, 5000),
            ModelCap(MeterKind.TOKENS_OUT, 100),
            ModelCap(MeterKind.TOKENS_OUT, 900, HOUR),
            ModelCap(MeterKind.MODEL_CALLS, 60, 60_000),
        ),
        streams=8,
        shrinks=False,
    )


def test_nothing_is_capped_by_default() -> None:
    found = rules("version: 1\n")
    assert (found.limits.model, found.teams) == (NO_MODEL_LIMITS, {})


@pytest.mark.requirement("I16")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("2.50 per run", "2.50", "agents.support.limits.spend[0]: expected a cap such as `5 per run` or `5 per day`"),
        ("2.50 per run", "much per run", "agents.support.limits.spend[0]: expected a cap such as `5 per run`"),
        ("2.50 per run", "2.5000001 per run", "agents.support.limits.spend[0]: expected a cap such as"),
        ("2.50 per run", "2 per day", "agents.support.limits.spend[1]: `spend` is capped for the same span already"),
        ("900 per 1h", "900 per hours", "agents.support.limits.tokens_out[1]: expected a cap such as `100000 per run`"),
        ("{cap: 2000000}", "{cap: 2.5}", "agents.support.limits.tokens.cap: expected an integer from 1"),
        ("{cap: 2000000}", "{per: day}", "agents.support.limits.tokens: missing key `cap`"),
        ("60 per minute", "0 per minute", "agents.support.limits.model_calls: expected a cap such as `200 per run`"),
        ("{cap: 12.5, per: 4h}", "{cap: 12.5}", "teams.care.limits.spend[0]: a team has no run of its own"),
        ("team: care", "team: cure", "agents.support.team: no team `cure`; nearest known: `care`"),
        ("shrink: true", "shirnk: true", "teams.care.limits: unknown key `shirnk`"),
    ],
)
def test_a_fault_is_said_with_its_place(old: str, new: str, said: str) -> None:
    assert said in complaints(old, new)
