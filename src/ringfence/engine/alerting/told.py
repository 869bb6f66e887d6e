"""What people were told of meters, by whose meters they are: bounded, and forgotten whole when a run ends."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from ringfence.core.ledger.pace import Pace

MOST_OWNERS: Final = 5_000
"""Runs, agents, teams that something is remembered of."""
MOST_TOLD: Final = 1_000
"""Of each of them: enough for all its meters, and windows pass."""


@dataclass(slots=True)
class Owned:
    """What is remembered of one owner of meters: a run, an agent, a team or the gateway."""

    told: dict[str, str] = field(default_factory=dict[str, str])
    """What was told, with its meter, oldest first: a step that is passed again after something was given back is no news."""
    paces: dict[str, Pace] = field(default_factory=dict[str, Pace])
    age: int | None = None
    """How old a run was, in seconds, when its wall clock was last looked at."""

    def is_news(self, told: str, meter: str) -> bool:
        """Whether it was not told before; it counts as told now. `meter`: empty where it is part of another alert."""
        if told in self.told:
            return False
        self.told[told] = meter
        if len(self.told) > MOST_TOLD:
            del self.told[next(iter(self.told))]
        return True


class Told:
    """All owners; whoever was longest without use gives way."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, Owned] = OrderedDict()

    def of(self, meter: str) -> Owned:
        """What is remembered of a meter's owner."""
        owner = meter.split(":", 2)[1]
        if (owned := self._owners.get(owner)) is None:
            owned = self._owners[owner] = Owned()
            if len(self._owners) > MOST_OWNERS:
                self._owners.popitem(last=False)
        else:
            self._owners.move_to_end(owner)
        return owned

    def forget(self, owner: str) -> Owned | None:
        """What was remembered of an owner that is no more, such as `run/ID`."""
        return self._owners.pop(owner, None)
