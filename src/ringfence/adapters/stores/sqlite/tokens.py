"""What the event loop asks of the writer, beside units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from ringfence.adapters.stores.sqlite.pending import Pending
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.stop import Stop


class Ask(Enum):
    SYNC = "somebody waits for what is already committed"
    READ_BACK = "read the state back: what was queued before this is lost"
    CLEAR_SLOT = "the stops before this are in the database: empty the emergency slot"
    CLOSE = "finish and end"


@dataclass(frozen=True, slots=True)
class SaveStops:
    """Keep these stops in the emergency slot; `waiting` are the units that brought them."""

    stops: Sequence[Stop]
    waiting: Sequence[Pending]


@dataclass(frozen=True, slots=True)
class DropBodies:
    """Drop the bodies of entries from before a time, at most so many. `done` hears how many, or why none."""

    before: Millis
    most: int
    done: Callable[[int, str], None]


Token = Pending | Ask | SaveStops | DropBodies
