"""Judges modes and owners of what the gateway relies on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ringfence.app.doctor.facts import Facts, FileFact, Part
from ringfence.app.doctor.findings import Code, Finding, Severity

_PRIVATE: Final = frozenset({Part.STORED, Part.KEY, Part.SECRET, Part.SOCKET, Part.OPERATOR})
"""Nobody but the gateway, or the person, has a reason to open them at all."""
_OWN: Final = frozenset({Part.STATE, Part.STORED, Part.KEY, Part.SECRET, Part.SOCKET})
"""What belongs to nobody but the gateway's user; other parts may be root's or an operator's."""
_GROUP, _OTHERS, _STICKY = 0o070, 0o007, 0o1000


def wide_modes(facts: Facts) -> Iterator[Finding]:
    """What other local users can change or read."""
    for file in facts.files:
        if _is_writable(file):
            yield Finding(
                code=Code.WRITABLE_BY_OTHERS,
                severity=Severity.SERIOUS,
                what=f"{_who(file, 0o022)} can change {file.part.value} (mode {file.mode & 0o777:03o}).",
                where=(str(file.path),),
                remedy=f"chmod {_narrow(file):03o} {file.path}" + _and_then(file),
            )
        elif file.part in _PRIVATE and file.mode & (_GROUP | _OTHERS):
            verb = "reach" if file.part is Part.SOCKET else "read"
            yield Finding(
                code=Code.READABLE_BY_OTHERS,
                severity=Severity.SERIOUS,
                what=f"{_who(file, _GROUP | _OTHERS)} can {verb} {file.part.value} (mode {file.mode & 0o777:03o}).",
                where=(str(file.path),),
                remedy=f"chmod {_narrow(file):03o} {file.path}" + _and_then(file),
            )
        elif file.part is Part.STATE and file.mode & 0o044:
            yield Finding(
                code=Code.READABLE_BY_OTHERS,
                severity=Severity.WARNING,
                what=f"{_who(file, 0o044)} can list {file.part.value} (mode {file.mode & 0o777:03o}).",
                where=(str(file.path),),
                remedy=f"chmod {_narrow(file):03o} {file.path}",
            )


def other_owners(facts: Facts) -> Iterator[Finding]:
    """What belongs to somebody else than the gateway's user or root."""
    agents = facts.loaded.rules.agents.values() if facts.loaded is not None else ()
    uids = frozenset[int]().union(*(agent.uids for agent in agents))
    for file in facts.files:
        if file.owner in (facts.gateway_uid, 0) or file.part is Part.OPERATOR:
            continue
        is_agents, part = file.owner in uids, file.part.value
        who = f"user {file.owner}" + (", who may be an agent," if is_agents else "")
        yield Finding(
            code=Code.OTHER_OWNER,
            severity=Severity.SERIOUS if is_agents or file.part in _OWN else Severity.WARNING,
            what=f"{part[0].upper()}{part[1:]} belongs to {who} and not to the gateway's ({facts.gateway_uid}).",
            where=(str(file.path),),
            remedy=f"chown {facts.gateway_uid if file.part in _OWN else 'root'} {file.path}",
        )


def _is_writable(file: FileFact) -> bool:
    if file.is_folder and file.mode & _STICKY and file.part is Part.FOLDER:
        return False  # as /tmp: nobody replaces what is another's
    group = file.mode & 0o020 and not (file.is_own_group and file.part not in _OWN | _PRIVATE)
    return bool(group or file.mode & 0o002)


def _narrow(file: FileFact) -> int:
    """The mode that it should have."""
    if file.part in _PRIVATE:
        return 0o700 if file.is_folder else 0o600
    if file.part is Part.STATE:
        return 0o711  # agents pass through it to their own socket
    return file.mode & 0o755


def _who(file: FileFact, bits: int) -> str:
    return "Every local user" if file.mode & bits & _OTHERS else "Its group"


def _and_then(file: FileFact) -> str:
    match file.part:
        case Part.KEY:
            return ", and make a new key if somebody else may have read this one"
        case Part.SECRET | Part.OPERATOR:
            return ", and change it where it was made if somebody else may have read it"
        case Part.SOCKET | Part.STORED:
            return ", and find out what widened it: the gateway makes it 600"
        case _:
            return ""
