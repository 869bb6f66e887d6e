"""Calls of one tool that fail one after the other, whatever their arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.guards.repetition import KEPT
from ringfence.core.model.deed import Deed
from ringfence.core.model.guards import Repeats
from ringfence.core.model.identifiers import Millis

MOST_TOOLS: Final = 16
MEMORY: Final = 32


@dataclass(frozen=True, slots=True)
class Failures:
    """Per tool, how far its failures go in calm time; and what has worked lately."""

    until: tuple[tuple[str, Millis], ...] = ()
    """The tool that failed last is the last."""
    worked: tuple[str, ...] = ()


def failing(known: Failures, deed: Deed, at: Millis, rule: Repeats) -> Failures:
    """After one more deed.

    A success of the tool itself ends its row; one of anything else ends all of them, if it is a new one: whoever changes
    something between two failed attempts is at work.
    """
    others = tuple((tool, until) for tool, until in known.until if tool != deed.what)
    if deed.failed:
        before = next((until for tool, until in known.until if tool == deed.what), at)
        until = max(before, at) + rule.spacing_ms
        return Failures((*others[-(MOST_TOOLS - 1) :], (deed.what, until)), known.worked)
    done = f"{deed.what}:{deed.likeness[:KEPT]}:{deed.result[:KEPT]}"
    if done in known.worked:
        return Failures(others, known.worked)
    return Failures((), (*known.worked[-(MEMORY - 1) :], done))


def recovered(known: Failures) -> Failures:
    """After a rest."""
    return Failures((), known.worked)


def failures_of(known: Failures, tool: str, at: Millis, spacing_ms: int) -> int:
    """How many in a row have failed."""
    until = next((until for name, until in known.until if name == tool), at)
    return -(-max(0, until - at) // spacing_ms)
