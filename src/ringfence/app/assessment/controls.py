"""Which controls stand before each agent of a configuration, which do not, and whether that is enough for what it can reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.core.model.egress import Unlisted
from ringfence.core.rules import AgentRule, Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """Of one agent, in words."""

    agent: str
    reaches: tuple[str, ...]
    on: tuple[str, ...]
    off: tuple[str, ...]
    light: bool
    """It has a box and nothing that any other control could decide."""

    def to_json(self) -> dict[str, Any]:
        return {"agent": self.agent, "reaches": self.reaches, "on": self.on, "off": self.off, "light": self.light}


def controls_of(rules: Rules) -> tuple[Controls, ...]:
    """Of every agent, by name."""
    agents = sorted((agent for agent in rules.agents.values() if agent.server is None), key=lambda agent: agent.id)
    return tuple(_of(agent, rules) for agent in agents)


def render_controls(found: Sequence[Controls]) -> str:
    """For a terminal."""
    lines: list[str] = []
    for each in found:
        lines.append(f"{each.agent}{' (light)' if each.light else ''}")
        lines.append(f"  reaches  {', '.join(each.reaches)}")
        lines.append(f"  on       {', '.join(each.on)}")
        lines.append(f"  off      {', '.join(each.off) or 'nothing'}")
        if each.light:
            lines.append(
                "  That is enough: it holds no tool, no credential and no way out, so there is nothing else to decide about."
            )
    return "\n".join(lines) + "\n" if lines else "no agents\n"


def _of(agent: AgentRule, rules: Rules) -> Controls:
    tools = [tool for tool in rules.tools.values() if agent.has(tool)]
    hosts = agent.ways_out.rules
    asks = agent.ways_out.unlisted is Unlisted.ASK
    reaches = (
        *((f"{len(tools)} tools of {len({tool.server for tool in tools})} servers",) if tools else ()),
        *((f"{len(hosts)} hosts",) if hosts else ()),
        *(("hosts that a person lets it reach",) if asks else ()),
        *(("what its box shows of this machine",) if agent.box is not None and agent.box.shows else ()),
        *(("its own workspace",) if agent.box is not None else () if agent.only_mcp else ("whatever its user reaches",)),
    )
    limits = agent.limits
    controls = {
        _box(agent): agent.box is not None,
        "profiles and approvals of tools": bool(tools),
        "policies": rules.policies is not None and bool(tools),
        "egress rules": bool(hosts) or asks,
        "a limit on calls": limits.calls_per_run is not None or limits.rate is not None,
        f"environment `{agent.environment}`" if agent.environment else "an environment": bool(agent.environment),
        "the log, kill and pause": True,
    }
    return Controls(
        agent=agent.id,
        reaches=reaches or ("nothing",),
        on=tuple(name for name, there in controls.items() if there),
        off=tuple(name for name, there in controls.items() if not there),
        light=agent.box is not None and not tools and not hosts and not asks and agent.delegate is None,
    )


def _box(agent: AgentRule) -> str:
    if agent.box is None:
        return "a box"
    limits = agent.box.limits
    return (
        f"the box `{agent.box.name}` ({limits.memory_mib} MiB, {limits.processes} processes, {limits.wall_clock_s} s, "
        f"{'a network by its rules' if agent.box.network else 'no network'})"
    )
