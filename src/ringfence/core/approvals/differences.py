"""The exact difference between two JSON documents, by JSON pointer (RFC 6901). Pure.

Promise: there is no difference exactly where the canonical bytes are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringfence.core.approvals.card import escape, leaves, visible
from ringfence.core.strict_json.canonical import canonical_bytes


class Turn(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not what it was. `old` is unset for what was added, `new` for what was removed."""

    turn: Turn
    pointer: str
    old: Any = None
    new: Any = None


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Difference, ...]:
    """What turns `old` into `new`, value by value, in the order of pointers' keys."""
    if not old or not new:
        return (*_members(Turn.REMOVED, old), *_members(Turn.ADDED, new))
    return tuple(_between(old, new, ""))


def _members(turn: Turn, whole: Mapping[str, Any]) -> Iterator[Difference]:
    return _whole(turn, whole, "") if whole else iter(())


def _between(old: Any, new: Any, at: str) -> Iterator[Difference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping) and old and new:
        for key in sorted({*old, *new}):
            place = f"{at}/{escape(key)}"
            if key not in new:
                yield from _whole(Turn.REMOVED, old[key], place)
            elif key not in old:
                yield from _whole(Turn.ADDED, new[key], place)
            else:
                yield from _between(old[key], new[key], place)
    elif isinstance(old, list) and isinstance(new, list) and old and new:
        for index in range(max(len(old), len(new))):
            place = f"{at}/{index}"
            if index >= len(new):
                yield from _whole(Turn.REMOVED, old[index], place)
            elif index >= len(old):
                yield from _whole(Turn.ADDED, new[index], place)
            else:
                yield from _between(old[index], new[index], place)
    elif canonical_bytes(old) != canonical_bytes(new):
        if _is_scalar(old) and _is_scalar(new):
            yield Difference(Turn.CHANGED, at, old, new)
        else:
            yield from _whole(Turn.REMOVED, old, at)
            yield from _whole(Turn.ADDED, new, at)


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, Mapping | list)


def _whole(turn: Turn, value: Any, at: str) -> Iterator[Difference]:
    for pointer, leaf in leaves(value, "") or [("", value)]:
        place = at + pointer
        yield Difference(turn, place, old=leaf) if turn is Turn.REMOVED else Difference(turn, place, new=leaf)


def shown(difference: Difference) -> dict[str, Any]:
    """A difference for people: pointers and texts with every character that the eye would miss spelled out."""
    view: dict[str, Any] = {"turn": difference.turn.value, "pointer": visible(difference.pointer)[0]}
    if difference.turn is not Turn.ADDED:
        view["old"] = _text(difference.old)
    if difference.turn is not Turn.REMOVED:
        view["new"] = _text(difference.new)
    return view


def _text(value: Any) -> str:
    """As JSON writes it, so that `5` and `"5"` look different."""
    return visible(canonical_bytes(value).decode())[0]
