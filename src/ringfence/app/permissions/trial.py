"""One configuration, ready to decide calls of a client's own tools that nobody makes.

Every check of the gateway decides here too. What a call's facts say besides the call is a fresh run: nothing used, nothing
stopped, nothing pending, nothing written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.core.decision import decide
from ringfence.core.framing import frame
from ringfence.core.model.agent import Agent
from ringfence.core.model.call import Call
from ringfence.core.model.facts import Facts, Link
from ringfence.core.model.identifiers import CallId, Millis, RunId
from ringfence.core.model.local import Judgement, Place
from ringfence.core.model.run import Posture, Run
from ringfence.core.model.verdict import Decision
from ringfence.core.narrowing.tightening import build_tool
from ringfence.core.own_tools.local_calls import LOCAL_TOOLS, OTHER, arguments_of, judged, tool_id
from ringfence.core.permissions.guarded import guarded_by
from ringfence.core.permissions.weighing import Weighed, weigh
from ringfence.core.rules import AgentRule
from ringfence.core.shell.written import Unread, Written
from ringfence.engine.local.judged import Judges

_RUN = RunId("r_trial")


@dataclass(frozen=True, slots=True)
class Tried:
    """One call, decided."""

    call: Call
    judgement: Judgement
    weighed: Weighed
    """What the permission lists say by themselves."""
    decision: Decision


class Trial:
    """Decides as the gateway would for one agent."""

    def __init__(self, rule: AgentRule, judging: Judges, now: Millis) -> None:
        self._rule = rule
        self._judging = judging
        self._now = now

    async def decide(self, tool: str, given: Mapping[str, Any], place: Place) -> Tried:
        """Decide one call. `tool` is a canonical name (`Bash`, `Read`), `given` its input. Raises UnavailableError."""
        guarded = guarded_by(self._rule.permissions, self._rule.local, place)
        judgement = await self._judging.judge(tool, given, place, written=_nothing, guarded=guarded)
        local = LOCAL_TOOLS.get(tool_id(tool)) or LOCAL_TOOLS[tool_id(OTHER)]
        name = local.rule.upstream_name
        built = build_tool(local.definition, local.rule, self._rule.tighten.get(local.rule.id))
        call = frame(CallId("c_trial"), self._rule.id, _RUN, built, arguments_of(name, tool, given, place.cwd))
        run = Run(
            id=_RUN,
            agent=self._rule.id,
            task="",
            task_trusted=True,
            opened_by="operator:nobody",
            opened_at=self._now,
            expires_at=None,
        )
        facts = Facts(
            now=self._now,
            chain=(Link(run, 0, self._rule.limits),),
            agent=_agent(self._rule),
            tool=judged(built, judgement),
            posture=Posture.SEPARATE,
            environments=frozenset({self._rule.environment} if self._rule.environment else ()),
            local=judgement,
        )
        weighed = weigh(self._rule.permissions, judgement, given, tool)
        return Tried(call, judgement, weighed, decide(call, facts))


def _nothing(_path: str) -> Written:
    return Unread.NOT_WRITTEN


def _agent(rule: AgentRule) -> Agent:
    return Agent(
        id=rule.id,
        purpose=rule.purpose,
        tools=frozenset(LOCAL_TOOLS),
        limits=rule.limits,
        approvers=rule.approvers,
        environment=rule.environment,
        local=rule.local,
        permissions=rule.permissions,
    )
