"""One configuration with its policies, ready to decide calls that nobody makes.

Every check of the gateway decides here too, on facts that a case or an entry states; what they leave open is a fresh run with
nothing used, nothing stopped, nothing pending.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ringfence.app.config.settings import Loaded
from ringfence.core.decision import decide
from ringfence.core.framing import frame, frame_unknown
from ringfence.core.model.agent import Agent, Limits
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts, Link
from ringfence.core.model.identifiers import AgentId, CallId, Millis, RunId, ToolId
from ringfence.core.model.run import Posture, Run
from ringfence.core.model.tool import Tool
from ringfence.core.model.verdict import Decision
from ringfence.core.narrowing.tightening import build_tool
from ringfence.core.permissions.sql_texts import candidates_of, speak_of_sql, unread
from ringfence.core.policy.shard import Broken, Evaluation, Shard, evaluate
from ringfence.engine.catalogue.policy_book import Compiled, Definitions, PolicyBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a call's facts say besides the call."""

    at: Millis
    depth: int = 0
    calls_used: int = 0
    task_trusted: bool = True
    posture: Posture = Posture.SEPARATE
    run: RunId = RunId("r_trial")


@dataclass(frozen=True, slots=True)
class Tried:
    """One call, decided."""

    call: Call
    facts: Facts
    decision: Decision
    evaluation: Evaluation
    """What the policies say by themselves."""
    shard: Shard | Broken | None
    """None: no policy names the tool."""


@dataclass(slots=True)
class Trial:
    """Decides as the gateway would with this configuration and these definitions."""

    loaded: Loaded
    definitions: Definitions
    compiled: Compiled = field(init=False)
    _tools: dict[tuple[AgentId, ToolId], Tool] = field(default_factory=dict[tuple[AgentId, ToolId], Tool])

    def __post_init__(self) -> None:
        self.compiled = PolicyBook().compile(self.loaded.rules, self.definitions)

    @property
    def missing(self) -> list[ToolId]:
        """Configured tools whose definition is not known: nothing can be said of their calls."""
        return sorted(tool for tool in self.loaded.rules.tools if tool not in self.definitions)

    def decide(self, agent: AgentId, tool: ToolId, arguments: Mapping[str, Any], given: Circumstances) -> Tried:
        """Decide one call; `arguments` are the agent's."""
        known = self._tool(agent, tool)
        call = (
            frame(CallId("c_trial"), agent, given.run, known, arguments)
            if known is not None
            else frame_unknown(CallId("c_trial"), agent, given.run, tool, arguments)
        )
        facts, rule = self._facts(agent, known, given), self.loaded.rules.agents.get(agent)
        if known is not None and rule is not None and rule.permissions is not None and speak_of_sql(rule.permissions):
            # Nothing is parsed here, so that what may be a statement counts as one.
            facts = replace(facts, sql=tuple(unread(one, "it is not read here") for one in candidates_of(call, known)))
        snapshot = self.compiled.snapshot
        shard = snapshot.shards.get(tool) if snapshot is not None else None
        evaluation = Evaluation()
        if isinstance(shard, Shard) and snapshot is not None:
            evaluation = evaluate(shard, call, facts, snapshot.local_time(given.at))
        elif isinstance(shard, Broken):
            evaluation = Evaluation(fault="; ".join(shard.faults))
        return Tried(call, facts, decide(call, facts), evaluation, shard)

    def _tool(self, agent: AgentId, tool: ToolId) -> Tool | None:
        rule, definition = self.loaded.rules.tools.get(tool), self.definitions.get(tool)
        if rule is None or definition is None:
            return None
        if (agent, tool) not in self._tools:
            of = self.loaded.rules.agents.get(agent)
            self._tools[agent, tool] = build_tool(definition, rule, of.tighten.get(tool) if of is not None else None)
        return self._tools[agent, tool]

    def _facts(self, agent: AgentId, tool: Tool | None, given: Circumstances) -> Facts:
        rule = self.loaded.rules.agents.get(agent)
        limits = rule.limits if rule is not None else Limits()
        run = Run(
            id=given.run,
            agent=agent,
            task="",
            task_trusted=given.task_trusted,
            opened_by="operator:nobody",
            opened_at=given.at,
            expires_at=None,
        )
        above = Link(replace(run, id=RunId("r_above")), 0, Limits())
        return Facts(
            now=given.at,
            chain=(Link(run, given.calls_used, limits), *(above for _ in range(given.depth))),
            agent=None
            if rule is None
            else Agent(
                id=agent,
                purpose=rule.purpose,
                tools=frozenset(tool for tool, of in self.loaded.rules.tools.items() if rule.has(of)),
                limits=limits,
                approvers=rule.approvers,
                local=rule.local,
                permissions=rule.permissions,
            ),
            tool=tool,
            posture=given.posture,
            environments=frozenset({rule.environment} if rule is not None and rule.environment else ()),
            policy=self.compiled.snapshot,
        )


def asked_of(decision: Decision, groups: Mapping[str, frozenset[Any]]) -> list[str]:
    """Whom a decision would ask: `1 of finance (ada, bob)`, `2 people`."""
    most: dict[str, int] = {}
    for gate in decision.gates:
        most[gate.group] = max(most.get(gate.group, 0), gate.quorum)
    return [
        f"{count} of {group} ({', '.join(sorted(groups.get(group, ())))})"
        if group
        else f"{count} {'person' if count == 1 else 'people'}"
        for group, count in sorted(most.items(), reverse=True)
    ]
