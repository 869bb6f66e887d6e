"""Kinds of command that have a name in the data file: what each can do, and how far it reaches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ringfence.core.model.local import Scope
from ringfence.core.model.profile import WORST_PROFILE, Effect, Sensitivity, ToolProfile, Trust

_HERE: Final = ToolProfile(
    effect=Effect.READ,
    reversible=True,
    bounded=True,
    costs_money=False,
    identity=False,
    outbound=False,
    sensitivity=Sensitivity.INTERNAL,
    trust=Trust.TRUSTED,
    authority=(),
)
_CHANGE: Final = replace(_HERE, effect=Effect.WRITE)
_LOSS: Final = replace(_CHANGE, reversible=False)
_SERVICE: Final = replace(_HERE, trust=Trust.UNTRUSTED, sensitivity=Sensitivity.CONFIDENTIAL)
_AWAY: Final = replace(_HERE, outbound=True, trust=Trust.UNTRUSTED)


@dataclass(frozen=True, slots=True)
class CommandKind:
    """One kind."""

    profile: ToolProfile
    scope: Scope
    does: str


UNKNOWN: Final = CommandKind(replace(WORST_PROFILE, authority=()), Scope.REMOTE, "nobody has described it")
KINDS: Final[dict[str, CommandKind]] = {
    "says": CommandKind(replace(_HERE, sensitivity=Sensitivity.PUBLIC), Scope.NOTHING, "works something out, touches nothing"),
    "reads": CommandKind(_HERE, Scope.PATHS, "reads files"),
    "reads project": CommandKind(_HERE, Scope.PROJECT, "reads the project"),
    "reads machine": CommandKind(_HERE, Scope.MACHINE, "reads the machine's state"),
    "reads secrets": CommandKind(replace(_HERE, sensitivity=Sensitivity.REGULATED), Scope.MACHINE, "reads what is secret"),
    "writes": CommandKind(_CHANGE, Scope.PATHS, "writes the files that it names"),
    "deletes": CommandKind(_LOSS, Scope.PATHS, "removes the files that it names"),
    "project": CommandKind(_CHANGE, Scope.PROJECT, "changes the project, or runs its code"),
    "loses": CommandKind(_LOSS, Scope.PROJECT, "loses what the project may need"),
    "loses all": CommandKind(replace(_LOSS, bounded=False), Scope.PROJECT, "loses any number of things"),
    "machine": CommandKind(_CHANGE, Scope.MACHINE, "changes the machine outside the project"),
    "breaks": CommandKind(replace(_LOSS, bounded=False), Scope.MACHINE, "changes the machine for good"),
    "rules": CommandKind(replace(_CHANGE, identity=True, bounded=False), Scope.MACHINE, "changes who may do what"),
    "fetches": CommandKind(_AWAY, Scope.REMOTE, "reads from another machine"),
    "asks": CommandKind(_SERVICE, Scope.REMOTE, "reads a service of ours"),
    "installs": CommandKind(replace(_AWAY, effect=Effect.WRITE), Scope.REMOTE, "brings in code from outside"),
    "serves": CommandKind(_CHANGE, Scope.MACHINE, "changes what runs here"),
    "changes": CommandKind(_LOSS, Scope.REMOTE, "changes a service of ours"),
    "destroys": CommandKind(replace(_LOSS, bounded=False), Scope.REMOTE, "destroys in a service of ours"),
    "spends": CommandKind(replace(_LOSS, bounded=False, costs_money=True), Scope.REMOTE, "changes what is paid for"),
    "grants": CommandKind(replace(_LOSS, identity=True), Scope.REMOTE, "changes accounts, keys or permissions"),
    "sends": CommandKind(replace(_AWAY, effect=Effect.WRITE, reversible=False), Scope.REMOTE, "sends to others"),
    "unknown": UNKNOWN,
}  # fmt: skip
"""By their names in the data file."""
