"""Kills, pauses and disabled tools, and what they reach."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringfence.core.model.identifiers import AgentId, Millis, RunId, ServerId, ToolId


class StopMode(StrEnum):
    KILL = "kill"
    PAUSE = "pause"
    DISABLE = "disable"
    """A tool switched off live, for everybody or for one agent."""


class ScopeKind(StrEnum):
    EVERYTHING = "everything"
    AGENT = "agent"
    RUN = "run"
    SERVER = "server"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a stop reaches. A run includes its subtree. `agent` narrows a tool to one agent."""

    kind: ScopeKind
    target: str = ""
    agent: AgentId | None = None

    def __str__(self) -> str:
        text = self.kind.value if not self.target else f"{self.kind.value} {self.target}"
        return f"{text} for {self.agent}" if self.agent else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A kill, pause or disable in force until an operator lifts it."""

    id: str
    mode: StopMode
    scope: Scope
    reason: str
    by: str
    at: Millis


@dataclass(frozen=True, slots=True)
class Reach:
    """What one call touches, as stops see it."""

    agent: AgentId
    runs: tuple[RunId, ...]
    """The run and its ancestors."""
    server: ServerId
    tool: ToolId
    above: tuple[AgentId, ...] = ()
    """The agents of the ancestors: what stops an agent stops what runs below its runs."""

    def is_of(self, agent: str | None) -> bool:
        """Whether it belongs to an agent, or below a run of it."""
        return agent == self.agent or agent in self.above


def covers(scope: Scope, reach: Reach) -> bool:
    """Whether a stop's scope reaches a call."""
    match scope.kind:
        case ScopeKind.EVERYTHING:
            return True
        case ScopeKind.AGENT:
            return reach.is_of(scope.target)
        case ScopeKind.RUN:
            return scope.target in reach.runs
        case ScopeKind.SERVER:
            return scope.target == reach.server
        case ScopeKind.TOOL:
            return scope.target == reach.tool and (scope.agent is None or reach.is_of(scope.agent))
