"""What was told of uses so far: whether a client shows what its agent may not have, and what it has told before."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from ringfence.core.model.identifiers import RunId
from ringfence.engine.local.asked import Answer, Happening

MOST: Final = 10_000
"""Uses of all runs that are remembered: until their batch is over, as a rule."""


class Shown:
    """By run and use. A use without an id cannot be found again, so nothing of it is kept."""

    def __init__(self) -> None:
        self._shows: OrderedDict[tuple[RunId, str], bool] = OrderedDict()
        self._told: OrderedDict[tuple[RunId, str, Happening], None] = OrderedDict()

    def looked_at(self, run: RunId, use: str, answer: Answer, *, in_time: bool) -> bool:
        """Whether a client shows something that its agent may not have, now that its result has been looked at.

        `in_time`: the client still takes another result in the place of this one. It may tell of one use twice, as of one that
        failed: what it showed once it has shown.
        """
        shows = (answer.is_replaced or answer.is_withheld) and not in_time
        if not use:
            return shows
        shows = shows or self._shows.get((run, use), False)
        self._shows[run, use] = shows
        if len(self._shows) > MOST:
            self._shows.popitem(last=False)
        return shows

    def of(self, run: RunId, use: str) -> bool | None:
        """None: nothing was told of it."""
        return self._shows.get((run, use))

    def tells_again(self, run: RunId, use: str, how: Happening) -> bool:
        """Whether just this has been told of a use before. A client tells of one that failed in two ways."""
        if not use:
            return False
        key = (run, use, how)
        is_known = key in self._told
        self._told[key] = None
        if len(self._told) > MOST:
            self._told.popitem(last=False)
        return is_known
