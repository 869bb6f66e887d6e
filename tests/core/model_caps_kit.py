"""Trees of runs whose requests to models are capped, and the rules that cap them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ringfence.core.ledger.model_caps import ModelPlan, model_plan_of
from ringfence.core.model.agent import Limits
from ringfence.core.model.facts import Link
from ringfence.core.model.identifiers import AgentId, Digest
from ringfence.core.model.limits import UseLimits
from ringfence.core.model.meter import MeterKind
from ringfence.core.model.model_use import ModelCap, ModelLimits
from ringfence.core.rules import AgentRule, Rules
from ringfence.testing.contracts.samples import a_run

DAY = 86_400_000
SUPPORT = AgentId("support")


def caps(*given: tuple[MeterKind, int, *tuple[int, ...]], streams: int | None = None) -> ModelLimits:
    return ModelLimits(caps=tuple(ModelCap(kind, most, *window) for kind, most, *window in given), streams=streams)


def an_agent(limits: ModelLimits, *, name: AgentId = SUPPORT, team: str = "") -> AgentRule:
    return AgentRule(id=name, purpose="work", tools=(), limits=Limits(model=limits), team=team)


def rules_for(
    *agents: AgentRule, everybody: ModelLimits | None = None, teams: Mapping[str, ModelLimits] | None = None
) -> Rules:
    return Rules(
        digest=Digest("d"),
        servers={},
        tools={},
        agents={agent.id: agent for agent in agents},
        limits=UseLimits(model=everybody or ModelLimits()),
        teams=teams or {},
    )


def plan_for(rules: Rules, agent: AgentId = SUPPORT) -> ModelPlan:
    plan = model_plan_of(rules, rules.agents[agent])
    assert plan is not None
    return plan


def chain_of(rules: Rules, *names: str, agents: Sequence[AgentId] = ()) -> tuple[Link, ...]:
    """A run with those above it, the root last."""
    links: list[Link] = []
    for place, name in enumerate(names):
        run = a_run(name, ancestors=tuple(names[place + 1 :]))
        agent = agents[place] if agents else SUPPORT
        links.append(Link(run, 0, rules.agents[agent].limits))
    return tuple(links)


def tree(width: int, depth: int) -> list[tuple[str, ...]]:
    """The chain of every run of a tree: a root, `width` children, each the head of a line of `depth` runs."""
    lines: list[tuple[str, ...]] = [("root",)]
    for child in range(width):
        above: tuple[str, ...] = ("root",)
        for generation in range(depth):
            above = (f"run-{child}-{generation}", *above)
            lines.append(above)
    return lines
