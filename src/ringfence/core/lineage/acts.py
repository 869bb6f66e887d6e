"""What was tried while a run was untrusted, and what came of it: each effect once, however often it was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ringfence.core.lineage.events import Act, Event, EventKind, Fate

_ENDED = {"returned": Fate.EXECUTED, "ambiguous": Fate.UNKNOWN, "failed_not_sent": Fate.NOT_SENT}
_CLOSED = {"denied": Fate.REFUSED, "expired": Fate.LAPSED, "withdrawn": Fate.LAPSED}


@dataclass(slots=True)
class _Trying:
    calls: list[Event] = field(default_factory=list[Event])
    votes: list[Event] = field(default_factory=list[Event])


def acts_of(events: Iterable[Event]) -> tuple[Act, ...]:
    """In the order in which they were first tried. Decisions on one approval are one act."""
    found: dict[str, _Trying] = {}
    for event in events:
        if event.kind is EventKind.EFFECT and event.label.is_untrusted:
            found.setdefault(event.ticket or event.entry, _Trying()).calls.append(event)
        elif event.kind is EventKind.PERSON and event.ticket in found:
            found[event.ticket].votes.append(event)
    return tuple(_act(trying.calls, trying.votes) for trying in found.values())


def _act(calls: Sequence[Event], votes: Sequence[Event]) -> Act:
    told = next((call for call in calls if call.arguments), calls[0])
    voters = [vote.by.removeprefix("operator:") for vote in votes if vote.level in ("approved", "denied")]
    return Act(
        entries=tuple(call.entry for call in calls),
        tool=calls[0].what,
        fate=_fate(calls, votes),
        by=", ".join(dict.fromkeys(voters)),
        reasons=calls[0].reasons,
        arguments=told.arguments,
        traced=any(call.traced for call in calls),
    )


def _fate(calls: Sequence[Event], votes: Sequence[Event]) -> Fate:
    sent = [_ENDED.get(call.ended, Fate.UNDER_WAY) for call in calls if call.level == "allow"]
    for fate in (Fate.EXECUTED, Fate.UNKNOWN, Fate.UNDER_WAY, Fate.NOT_SENT):
        if fate in sent:
            return fate
    closed = next((_CLOSED[vote.level] for vote in reversed(votes) if vote.level in _CLOSED), None)
    if closed is not None:
        return closed
    return Fate.WAITING if any(call.level == "ask" for call in calls) else Fate.DENIED
