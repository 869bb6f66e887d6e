"""What is asked of the way out of a box, and what is said to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.model.egress import EgressRule, PathRule

CONNECT: Final = "CONNECT"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The enforcement point's own no, before or beside the rules."""

    code: str
    """The class of the rule: a word for machines, the one thing besides the entry that the box hears."""
    status: int
    """Of the HTTP answer, where one can still be given."""
    why: str = ""
    """For the log. Never shown inside the box."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a CONNECT wants to go."""

    host: str
    """As it is dialled, compared and logged: in lower case."""
    port: int


@dataclass(frozen=True, slots=True)
class Opening:
    """One use of the way out: a connection, or a request inside one that is terminated."""

    host: str
    port: int
    method: str = CONNECT
    path: str = ""
    """Empty for the connection itself. Without the query."""
    websocket: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Admitted:
    """It is allowed, for a while. The engine derives its own from this; two are the same only if they are one."""

    rule: EgressRule
    path: PathRule | None = None
    """Which of the rule's paths it was; None for the connection itself."""
    entry: str
    """Under which the decision is recorded."""
    until: float
    """When the grant ends, on the engine's clock. Enforcement points ask `Gate.lives`."""


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """It is not."""

    code: str
    """The class of the rule."""
    entry: str | None = None
    status: int = 403
    why_public: str = ""
    """May be shown inside the box."""
