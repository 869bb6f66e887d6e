"""The profile of a call from those of its acts: in each respect the worst of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from ringfence.core.commands.kinds import KINDS
from ringfence.core.model.local import Scope
from ringfence.core.model.profile import Effect, Sensitivity, ToolProfile, Trust

_RISING: Final = tuple(Sensitivity)
_REACHING: Final = tuple(Scope)


def joined(one: ToolProfile, other: ToolProfile) -> ToolProfile:
    """In each respect the worse of the two."""
    return replace(
        one,
        effect=Effect.WRITE if Effect.WRITE in (one.effect, other.effect) else Effect.READ,
        reversible=one.reversible and other.reversible,
        bounded=one.bounded and other.bounded,
        costs_money=one.costs_money or other.costs_money,
        identity=one.identity or other.identity,
        outbound=one.outbound or other.outbound,
        sensitivity=max(one.sensitivity, other.sensitivity, key=_RISING.index),
        trust=Trust.UNTRUSTED if Trust.UNTRUSTED in (one.trust, other.trust) else Trust.TRUSTED,
        authority=(),
    )


def wider(one: Scope, other: Scope) -> Scope:
    """The one that reaches further."""
    return max(one, other, key=_REACHING.index)


def strictest(profiles: Iterable[ToolProfile]) -> ToolProfile:
    """Of all acts together; of none: that of a command that does nothing."""
    whole = KINDS["says"].profile
    for profile in profiles:
        whole = joined(whole, profile)
    return whole
