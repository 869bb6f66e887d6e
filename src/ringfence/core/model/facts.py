"""Everything that one decision may see."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.core.model.agent import Agent, Limits
from ringfence.core.model.handoff import Handing
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.limits import Freeze, Loops
from ringfence.core.model.local import Judgement
from ringfence.core.model.meter import Charge, Meter
from ringfence.core.model.policy import PolicySnapshot
from ringfence.core.model.provenance import Flow
from ringfence.core.model.run import Posture, Run
from ringfence.core.model.sql import SqlText
from ringfence.core.model.stop import Stop
from ringfence.core.model.ticket import Ticket
from ringfence.core.model.tool import Tool
from ringfence.core.model.trail import Trail


@dataclass(frozen=True, slots=True)
class Link:
    """One run of a call's chain, with what it has used and may use."""

    run: Run
    calls_used: int
    """Calls committed plus reserved by this run and its subtree."""
    limits: Limits
    calls_added: int = 0
    """What an operator has added to the cap on calls."""
    agent_may: bool = True
    """A run above is of another agent: whether that agent has the tool, with arguments that satisfy what it was shown."""
    paused_ms: int = 0
    """For how long it was paused, where its wall clock does not count that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that one decision may see, frozen."""

    now: Millis
    chain: tuple[Link, ...]
    """The run first, then its ancestors up to the root. Never empty."""
    agent: Agent | None
    """None: the agent is no longer configured, so nothing is exposed."""
    tool: Tool | None
    """None: no such tool is listed by its server."""
    stops: tuple[Stop, ...] = ()
    """Stops whose scope covers the call."""
    ticket: Ticket | None = None
    """The newest ticket with the call's digest."""
    pending: int = 0
    """Tickets of the run that wait for a person, not counting those this call would replace."""
    posture: Posture = Posture.SHARED
    charges: tuple[Charge, ...] = ()
    """What the call would take from meters; empty where no limit speaks of it."""
    meters: tuple[Meter | None, ...] = ()
    """Parallel to `charges`, as they were read."""
    freezes: tuple[Freeze, ...] = ()
    """Freeze windows that speak of the call."""
    loops: Loops | None = None
    """None: nobody looks for loops in this call."""
    trail: Trail | None = None
    """What the run did last, where somebody looks."""
    uncountable: tuple[str, ...] = ()
    """What of the call a limit counts and cannot count."""
    quarantine: str = ""
    """Why the definition of what the call names may not be used; empty: it is the pinned one."""
    environments: frozenset[str] = frozenset()
    """Labels that agents of the chain are bound to: all of them count."""
    label: Label = CLEAN
    """Of all that the run and the runs above it were given."""
    flow: Flow | None = None
    """Where values come from; None: nobody looks."""
    handing: Handing | None = None
    """Of a call that hands a result over or takes one; None: of every other."""
    policy: PolicySnapshot | None = None
    """The operator's policies; None: there are none."""
    sql: tuple[SqlText, ...] = ()
    """SQL in a call of a server's tool; nobody looks where no rule speaks of statements."""
    local: Judgement | None = None
    """What a call of a tool of the agent's own client would do; None: it is no such call."""
