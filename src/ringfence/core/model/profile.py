"""What a tool can do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringfence.core.model.condition import Condition
from ringfence.core.model.identifiers import ToolId


class Effect(StrEnum):
    READ = "read"
    WRITE = "write"


class Sensitivity(StrEnum):
    """Confidentiality of what a tool reads, in rising order."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    REGULATED = "regulated"


class Trust(StrEnum):
    """Integrity of what a tool returns."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProfile:
    """What a tool can do. Every default is the worst: what nobody described is not trusted."""

    effect: Effect = Effect.WRITE
    reversible: bool = False
    inverse: ToolId | None = None
    """The tool that undoes it, where there is one."""
    bounded: bool = False
    """One call changes a small, known amount of state."""
    costs_money: bool = True
    identity: bool = True
    """Touches accounts, roles, keys or permissions."""
    outbound: bool = True
    """Reaches somebody outside the organisation."""
    sensitivity: Sensitivity = Sensitivity.REGULATED
    trust: Trust = Trust.UNTRUSTED
    authority: tuple[str, ...] = ()
    """JSON pointers of the arguments that carry authority (recipient, amount, host)."""
    secret: tuple[str, ...] = ()
    """JSON pointers of the arguments whose value never enters an entry, a card or a log."""
    objects: tuple[str, ...] = ()
    """JSON pointers of the arguments that name the object touched, for `audit touched`."""
    quorum: int = 1
    """How many distinct operators a gate of this tool needs."""
    worst: str = ""
    """One sentence: the worst that one call can do. Shown on the card."""


WORST_PROFILE = ToolProfile()


@dataclass(frozen=True, slots=True)
class ConditionalProfile:
    """The profile that applies when every condition holds."""

    conditions: tuple[Condition, ...]
    profile: ToolProfile
    text: str
    """The conditions as the operator wrote them."""
