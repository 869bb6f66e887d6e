"""Two settings files made one: what somebody else set is kept, and what cannot be kept is named. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

_LOCKS: Final = frozenset(
    {
        "allowManagedHooksOnly",
        "allowManagedPermissionRulesOnly",
        "allowManagedMcpServersOnly",
        "disableSideloadFlags",
    }
)
"""Truths that only ever tighten: setting one weakens nothing."""
_VERSION: Final = "requiredMinimumVersion"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody else set this key to something else."""

    key: str
    """Its names from the top, with dots between them."""
    theirs: Any
    ours: Any


@dataclass(frozen=True, slots=True)
class Merged:
    """Both in one."""

    value: dict[str, Any]
    conflicts: tuple[Conflict, ...]


def merge(
    theirs: Mapping[str, Any],
    ours: Mapping[str, Any],
    *,
    replaced: frozenset[str] = frozenset(),
    settled: frozenset[str] = frozenset(),
) -> Merged:
    """Add `ours` to `theirs`.

    Keys in `replaced` are taken from `ours` whatever stood there; of those in `settled` any value of theirs will do.
    Lists are joined, theirs first; of two versions the later one stays; locks are only ever set. Any other value that
    differs is a conflict, and `value` has theirs. Merging twice changes nothing more.
    """
    conflicts: list[Conflict] = []
    value = _join(theirs, ours, "", _Wishes(replaced, settled), conflicts)
    if theirs.get("disableAllHooks") not in {None, False}:
        if "disableAllHooks" in replaced:
            del value["disableAllHooks"]
        else:
            conflicts.append(Conflict("disableAllHooks", theirs["disableAllHooks"], None))
    return Merged(value, tuple(conflicts))


@dataclass(frozen=True, slots=True)
class _Wishes:
    replaced: frozenset[str]
    settled: frozenset[str]


def _join(
    theirs: Mapping[str, Any], ours: Mapping[str, Any], above: str, wishes: _Wishes, conflicts: list[Conflict]
) -> dict[str, Any]:
    value = dict(theirs)
    for name, wanted in ours.items():
        key = f"{above}{name}"
        there = theirs.get(name)
        if name not in theirs or key in wishes.replaced or there == wanted:
            value[name] = wanted
        elif isinstance(there, dict) and isinstance(wanted, dict):
            value[name] = _join(cast(dict[str, Any], there), cast(dict[str, Any], wanted), f"{key}.", wishes, conflicts)
        elif isinstance(there, list) and isinstance(wanted, list):
            both = [*cast(list[Any], there)]
            both += [each for each in cast(list[Any], wanted) if each not in both]
            value[name] = both
        elif key in _LOCKS and isinstance(there, bool):
            value[name] = True
        elif key == _VERSION and (later := _later(there, wanted)) is not None:
            value[name] = later
        elif key not in wishes.settled:
            conflicts.append(Conflict(key, there, wanted))
    return value


def _later(one: Any, other: Any) -> str | None:
    """The later of two versions; None where one of them is none."""
    numbers = version_of(one), version_of(other)
    if numbers[0] is None or numbers[1] is None:
        return None
    return str(one) if numbers[0] >= numbers[1] else str(other)


def version_of(text: Any) -> tuple[int, ...] | None:
    """A version's numbers: `2.1.329`. None for anything else."""
    parts = text.split(".") if isinstance(text, str) else []
    if not 1 <= len(parts) <= 4 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        return None
    return tuple(int(part) for part in parts)
