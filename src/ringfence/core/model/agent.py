"""A registered identity and what its runs may use."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.core.model.egress import EgressRules
from ringfence.core.model.guards import GuardRules
from ringfence.core.model.identifiers import AgentId, OperatorName, ToolId
from ringfence.core.model.limits import Freeze, LeavingCap, Loops, Rate
from ringfence.core.model.local_rules import LocalRules
from ringfence.core.model.model_use import NO_MODEL_LIMITS, ModelLimits
from ringfence.core.model.permissions import PermissionLists
from ringfence.core.model.stop_when import NEVER, StopWhen


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run with its subtree may use, and all runs of the agent together. None means no cap was configured."""

    calls_per_run: int | None = None
    wall_clock_s: int | None = None
    counts_pauses: bool = True
    """Whether the wall clock goes on while all of the run is paused."""
    pending_approvals: int = 3
    rows_per_run: int | None = None
    rate: Rate | None = None
    """Of all runs of the agent together."""
    concurrent: int | None = None
    """Calls under way of all runs of the agent together."""
    freezes: tuple[Freeze, ...] = ()
    loops: Loops | None = None
    """None: as the gateway has it."""
    guards: GuardRules | None = None
    """None: as the gateway has it."""
    stop_when: StopWhen = NEVER
    leaving: tuple[LeavingCap, ...] = ()
    files: int | None = None
    """Different files that one run with its child runs may write or delete by the tools of its client."""
    lines: int | None = None
    """Lines that its file tools may add, change and take away, in all."""
    model: ModelLimits = NO_MODEL_LIMITS
    """What requests to models may use: of a run with its child runs, or of all runs of the agent in a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A registered identity. Never an operator."""

    id: AgentId
    purpose: str
    tools: frozenset[ToolId]
    """The tools that exist for it, wildcards already resolved by the catalogue."""
    limits: Limits = Limits()
    separation: bool = False
    """The operator who opened a run may not approve for it."""
    approval_expiry_s: int = 3600
    approvers: frozenset[OperatorName] = frozenset()
    """Who may approve for this agent; empty means every approver and admin."""
    egress: EgressRules = EgressRules()
    """Whom its boxes may reach: nobody."""
    models: tuple[str, ...] = ()
    """Models, or patterns, that it may ask."""
    environment: str = ""
    """It reaches what has this label and nothing else; empty: labels mean nothing to it."""
    local: LocalRules | None = None
    """What holds for its client's own tools; None: it has no hooks."""
    permissions: PermissionLists | None = None
    """None: nobody wrote any, so profiles alone decide."""
