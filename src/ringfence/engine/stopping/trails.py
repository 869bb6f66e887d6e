"""What each run did last, for telling whether it repeats itself. In memory: after a restart a loop is found anew."""

from __future__ import annotations

from ringfence.core.guards.trail import noted
from ringfence.core.model.call import Call
from ringfence.core.model.identifiers import Millis, RunId
from ringfence.core.model.limits import Loops
from ringfence.core.model.trail import Trail

MOST_RUNS = 20_000
"""The runs that were heard of least lately are forgotten first."""
KEPT_MS = 3600 * 1000
"""A run that was quiet for so long does not go in rounds."""
_NEW = Trail()


class Trails:
    """The trails of the runs in which somebody looks for loops."""

    def __init__(self) -> None:
        self._trails: dict[RunId, Trail] = {}

    def of(self, run: RunId) -> Trail:
        return self._trails.get(run, _NEW)

    def note(self, call: Call, loops: Loops, result: str, now: Millis) -> None:
        """A call was made. `result` is a digest, or a word for what has none."""
        trail = noted(self._trails.pop(call.run, _NEW), loops, call.digest, result, now)
        self._trails[call.run] = trail
        oldest = next(iter(self._trails))
        while len(self._trails) > MOST_RUNS or self._trails[oldest].at + KEPT_MS < now:
            del self._trails[oldest]
            oldest = next(iter(self._trails))
