"""Judges what agents could send outside of what they can read, and whether anybody would be asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ringfence.app.doctor.facts import Facts
from ringfence.app.doctor.findings import Code, Finding, Severity
from ringfence.core.flow.web.hosts import Own, canonical_host
from ringfence.core.model.label import at_least
from ringfence.core.model.profile import Effect, Sensitivity, ToolProfile, Trust
from ringfence.core.model.provenance import ProvenanceRules
from ringfence.core.model.verdict import Level
from ringfence.core.rules import AgentRule, Rules, Share, ToolRule, server_agent

_MOST_NAMED: Final = 20


def provenance_off(facts: Facts) -> Iterator[Finding]:
    """Agents whose sinks take any value from anywhere."""
    for rules, agent, provenance in _agents(facts):
        if provenance.underivable is Level.ALLOW and (sinks := [tool for tool in _tools(rules, agent) if _is_sink(tool)]):
            yield Finding(
                code=Code.PROVENANCE_OFF,
                severity=Severity.WARNING,
                what="Whoever writes what these agents read chooses the arguments of their calls.",
                where=(f"agents.{agent.id}.provenance.underivable: off, {len(sinks)} tools",),
                remedy="take `underivable: off` away; name what is known under `provenance`, and declare lookups and records "
                "(docs/provenance.md)",
            )


def uncleared(facts: Facts) -> Iterator[Finding]:
    """Ways out of agents that can hold untrusted content and confidential data, without a word on who may see it."""
    for rules, agent, provenance in _agents(facts):
        tools = _tools(rules, agent)
        if not (any(map(_reads_confidential, tools)) and any(map(_reads_untrusted, tools))):
            continue
        ways = (*_ways(agent, provenance, tools), *_ways_of_servers(rules, tools, shared=False))
        if not ways:
            continue
        if provenance.rule_of_two is Level.ALLOW:
            yield Finding(
                code=Code.RULE_OF_TWO_OFF,
                severity=Severity.WARNING,
                what="These agents read untrusted content and confidential data; nobody is asked before they reach outside.",
                where=(f"agents.{agent.id}.provenance.rule_of_two: off", *ways[:_MOST_NAMED]),
                remedy="take `rule_of_two: off` away, and give the tools whose readers may see such data a `clearance`",
            )
        else:
            yield Finding(
                code=Code.NO_CLEARANCE,
                severity=Severity.NOTICE,
                what=f"Runs of {agent.id} that hold untrusted content and confidential data ask a person at each of these.",
                where=ways[:_MOST_NAMED],
                remedy="say `outbound: false` of what reaches nobody outside, and give a `clearance` to what goes to readers "
                "who may see such data; leave the rest as it is (docs/provenance.md)",
            )


def shared(facts: Facts) -> Iterator[Finding]:
    """Servers in boxes that several runs share, whose tools are said to reach nobody outside although the boxes can."""
    for rules, agent, provenance in _agents(facts):
        tools = _tools(rules, agent)
        if provenance.rule_of_two is Level.ALLOW or not (
            any(map(_reads_confidential, tools)) and any(map(_reads_untrusted, tools))
        ):
            continue
        inside = [tool for tool in tools if any(not profile.outbound for profile in _profiles(tool))]
        if ways := tuple(_ways_of_servers(rules, inside, shared=True)):
            yield Finding(
                code=Code.SHARED_WAY_OUT,
                severity=Severity.WARNING,
                what=f"Runs of {agent.id} that hold untrusted content and confidential data can give it to processes that "
                "other runs use too; what those send outside is not held to it.",
                where=ways[:_MOST_NAMED],
                remedy="`share: run` for the server, or `outbound: true` for its tools; or a `clearance` of the host, if its "
                "readers may see such data (docs/provenance.md)",
            )


def _agents(facts: Facts) -> Iterator[tuple[Rules, AgentRule, ProvenanceRules]]:
    rules = facts.loaded.rules if facts.loaded is not None else None
    for agent in rules.agents.values() if rules is not None else ():
        if rules is not None and agent.provenance is not None and agent.server is None:
            yield rules, agent, agent.provenance


def _tools(rules: Rules, agent: AgentRule) -> list[ToolRule]:
    return [tool for tool in rules.tools.values() if agent.has(tool)]


def _ways(agent: AgentRule, provenance: ProvenanceRules, tools: list[ToolRule]) -> Iterator[str]:
    for tool in tools:
        if any(profile.outbound and profile.clearance is None for profile in _profiles(tool)):
            yield f"tools.{tool.id}"
    own = Own(provenance.hosts)
    for rule in agent.ways_out.rules:
        if rule.clearance is None and not own.has(canonical_host(rule.host)):
            yield f"agents.{agent.id}.egress: {rule.host}"


def _ways_of_servers(rules: Rules, tools: list[ToolRule], *, shared: bool) -> Iterator[str]:
    """Those of the boxes of servers that the tools are of. A process that one run has alone is held to what that run holds."""
    for server in sorted({tool.server for tool in tools}):
        if server not in rules.servers or (rules.servers[server].share is not Share.RUN) is not shared:
            continue
        boxed = rules.agents.get(server_agent(server))
        own = Own(boxed.provenance.hosts if boxed is not None and boxed.provenance is not None else ())
        for rule in boxed.ways_out.rules if boxed is not None else ():
            if rule.clearance is None and not own.has(canonical_host(rule.host)):
                yield f"servers.{server}.egress: {rule.host}"


def _profiles(tool: ToolRule) -> tuple[ToolProfile, ...]:
    return (tool.profile, *(one.profile for one in tool.conditional))


def _is_sink(tool: ToolRule) -> bool:
    return any(profile.effect is Effect.WRITE or profile.outbound for profile in _profiles(tool))


def _reads_confidential(tool: ToolRule) -> bool:
    return any(
        profile.effect is Effect.READ and at_least(profile.sensitivity, Sensitivity.CONFIDENTIAL) for profile in _profiles(tool)
    )


def _reads_untrusted(tool: ToolRule) -> bool:
    return any(profile.trust is Trust.UNTRUSTED and not profile.sanitiser for profile in _profiles(tool))
