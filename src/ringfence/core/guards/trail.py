"""When a run repeats itself: known calls bring known results, one after the other.

One rule for the identical call (A A A), the ping-pong (A B A B) and every longer round: a call is *stale* when this call with
this result is among the run's last different ones. `repeats` stale calls in a row and no new pair between them are a loop.
Polling is none: a result that changes is a new pair, and stale calls that come no faster than `spacing` never add up.
"""

from __future__ import annotations

from ringfence.core.model.identifiers import Digest, Millis
from ringfence.core.model.limits import Loops
from ringfence.core.model.trail import Trail

MEMORY = 32
"""Different calls that are remembered, so the longest round that is found."""
KEPT = 16
"""Characters kept of a digest: 64 bits. Whoever finds two alike has found a way to be refused."""


def is_looping(trail: Trail, loops: Loops, digest: Digest, now: Millis) -> bool:
    """Whether this call would be one repetition too many. A call that the run has not made lately never is."""
    at = max(trail.at, now)
    if trail.stale_until + loops.spacing_ms - at <= loops.repeats * loops.spacing_ms:
        return False
    short = digest[:KEPT]
    return any(call == short for call, _ in trail.seen)


def noted(trail: Trail, loops: Loops, digest: Digest, result: str, now: Millis) -> Trail:
    """The trail after a call that was made, with what came of it (a digest, or a word for what has none)."""
    at = max(trail.at, now)
    pair = (digest[:KEPT], result[:KEPT])
    if pair in trail.seen:
        seen = (*(known for known in trail.seen if known != pair), pair)
        return Trail(seen, at, max(trail.stale_until, at) + loops.spacing_ms)
    return Trail((*trail.seen[-(MEMORY - 1) :], pair), at, at)
