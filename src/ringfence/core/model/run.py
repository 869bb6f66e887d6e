"""One piece of work by an agent, and what its client presents."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ringfence.core.model.binding import UNBOUND
from ringfence.core.model.grant import EVERYTHING, Grant
from ringfence.core.model.identifiers import AgentId, Millis, RunId
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.words import Words

OUTSIDE: Final = "outside:"
"""How the key of a credential begins that stands for somebody outside. No presented credential hashes to such a key."""


class Posture(StrEnum):
    """Who shares what with the agent (DESIGN section 3)."""

    SEPARATE = "separate"
    BOXED = "boxed"
    SHARED = "shared"


class RunState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One piece of work by an agent."""

    id: RunId
    agent: AgentId
    task: str
    task_trusted: bool
    """The task was stated by an operator: it counts as trusted words."""
    opened_by: str
    """`operator:NAME`, or `agent:NAME` where the agent's own bridge opened it."""
    opened_at: Millis
    expires_at: Millis | None
    ancestors: tuple[RunId, ...] = ()
    """Parent first, root last."""
    standing: bool = False
    """The one run of a static agent credential."""
    state: RunState = RunState.OPEN
    closed_at: Millis | None = None
    grant: Grant = EVERYTHING
    """What it was given of what its agent may do."""
    label: Label = CLEAN
    """Of all that it was given to read, and its parent before it opened. That of the runs above it counts besides."""
    words: tuple[Words, ...] = ()
    """What was said to it by those who may steer it, since it was opened."""
    result_schema: str = ""
    """Of what it hands to the run above it, fixed first (`core.own_tools.result_schema`). Empty: it hands over nothing."""

    is_kept: bool = False
    """Whoever opened it ends it: its client's end is not its own."""

    @property
    def is_of_outsider(self) -> bool:
        """It is that of somebody whom an authority outside vouches for."""
        return self.opened_by.startswith(OUTSIDE)

    @property
    def is_of_operator(self) -> bool:
        """Whether an operator opened it: they answer for that it begins anew."""
        return self.opened_by.startswith("operator:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What an agent's client presents, stored hashed."""

    hash: str
    """SHA-256 in hexadecimal; or `OUTSIDE` with that of the subject whom an authority outside vouches for."""
    agent: AgentId
    run: RunId
    expires_at: Millis | None
    revoked: bool = False
    binding: str = UNBOUND
    """From whom alone it is accepted (`core.model.binding`)."""
