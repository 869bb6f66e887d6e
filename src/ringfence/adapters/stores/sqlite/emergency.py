"""What happens to stops while nothing can be written. Pure."""

from __future__ import annotations

from ringfence.core.model.stop import Stop
from ringfence.core.records.entry import Entry, EntryKind
from ringfence.core.records.state import State, apply, commit
from ringfence.core.records.unit import AddStop, Unit


def stops_of(unit: Unit) -> list[Stop]:
    """The stops that a unit brings."""
    return [change.stop for change in unit.changes if isinstance(change, AddStop)]


def force(state: State, unit: Unit) -> None:
    """Apply a unit that was accepted on another state: whole if it fits on this one, else its stops alone."""
    if apply(state, unit) is not None:
        for change in unit.changes:
            if isinstance(change, AddStop):
                commit(state, change)


def kept_entry(stop: Stop) -> Entry:
    """The entry of a stop whose own entry was lost: it was in force, and only the emergency slot knew."""
    return Entry(
        kind=EntryKind.CONTROL,
        at=stop.at,
        summary=f"{stop.mode.value} of {stop.scope}, kept in the emergency slot while the log could not be written",
        by=stop.by,
        body={
            "stop": stop.id,
            "mode": stop.mode.value,
            "scope": str(stop.scope),
            "reason": stop.reason,
            "kept": "emergency slot",
        },
    )
