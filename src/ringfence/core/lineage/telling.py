"""The story of a run in a few plain sentences. Nothing is claimed that the entries do not say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringfence.core.lineage.events import REACHED, Act, Argument, Event, EventKind, Fate, Timeline, is_confidential
from ringfence.core.model.provenance import SourceKind

_MOST_ACTS: Final = 6
"""Acts that are told one by one; the rest is counted."""

FATES: Final = {
    Fate.EXECUTED: "was executed",
    Fate.UNKNOWN: "was sent, and nobody can know whether it took effect",
    Fate.UNDER_WAY: "was allowed, and its outcome is not recorded",
    Fate.NOT_SENT: "was allowed but not sent",
    Fate.WAITING: "waits for a person",
    Fate.REFUSED: "was denied",
    Fate.LAPSED: "lapsed without an answer",
    Fate.DENIED: "was denied by a rule",
}


def clock(at: int) -> str:
    """The time of day of a moment in milliseconds, UTC."""
    minutes, seconds = divmod(at // 1000 % 86_400, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


def summary(timeline: Timeline) -> tuple[str, ...]:
    """A few sentences: what made the run untrusted, what was tried after it, what stopped it, what left."""
    return (
        *_untrusted(timeline),
        *_confidential(timeline),
        *_signals(timeline),
        *_acts(timeline),
        *_stops(timeline),
        *_left(timeline),
        *_unfinished(timeline),
    )


def came_from(argument: Argument) -> str:
    """Where the value of one argument came from: `/to only from e12`."""
    match argument.source:
        case SourceKind.UNASKED:
            return "the trusted words do not ask for it"
        case SourceKind.RESULT:
            where = f"came only from {argument.entry or 'what a tool returned'}"
        case SourceKind.NOWHERE:
            where = "was seen nowhere"
        case SourceKind.WORDS:
            where = "stands in the trusted words"
        case SourceKind.CONFIGURATION:
            where = "stands in the configuration"
        case SourceKind.LOOKUP:
            where = f"came from the trusted lookup {argument.entry}".rstrip()
        case SourceKind.RECORD:
            where = f"belongs to the record that the trusted words name{f' ({argument.entry})' if argument.entry else ''}"
        case SourceKind.FIXED:
            where = "was filled in by the gateway"
        case _:
            where = "came from where this version cannot read"
    return f"{argument.pointer or 'the whole of the arguments'} {where}"


def _untrusted(timeline: Timeline) -> list[str]:
    first = timeline.event(timeline.first_untrusted or "")
    if timeline.inherited.is_untrusted:
        return ["The run was untrusted from its first call: what was read before it, or above it, came along."]
    if first is None:
        return ["Nothing untrusted was read."]
    where = "" if first.run == timeline.run else f", in the child run {first.run}"
    said = f"First untrusted content: {first.entry} ({first.what}) at {clock(first.at)} UTC{where}; "
    ending = next((one for one in _lowered(timeline, first.seq) if not one.label.is_untrusted), None)
    if ending is None:
        return [f"{said}since then untrusted."]
    who = ending.by.removeprefix("operator:") or "an operator"
    return [f"{said}untrusted until {who} answered for it ({ending.entry} at {clock(ending.at)} UTC)."]


def _lowered(timeline: Timeline, after: int) -> list[Event]:
    return [event for event in timeline.events if event.kind is EventKind.LABEL and event.seq > after]


def _confidential(timeline: Timeline) -> list[str]:
    if is_confidential(timeline.inherited):
        return [f"It held {timeline.inherited.confidentiality.value} data from its first call on."]
    first = timeline.event(timeline.first_confidential or "")
    if first is None or first.brings is None:
        return []
    level = first.brings.confidentiality.value
    return [f"First confidential data: {first.entry} ({first.what}) at {clock(first.at)} UTC, {level}."]


def _signals(timeline: Timeline) -> list[str]:
    marked = [event for event in timeline.events if event.findings]
    if not marked:
        return []
    told = "; ".join(f"{event.entry} ({event.what}): {', '.join(event.findings[:3])}" for event in marked[:3])
    more = f"; and {len(marked) - 3} more" if len(marked) > 3 else ""
    return [f"The scan marked what came back in {told}{more}."]


def _acts(timeline: Timeline) -> list[str]:
    acts = timeline.acts
    if not acts:
        return []
    tried = "1 call that changes or sends something was" if len(acts) == 1 else f"{len(acts)} calls that change or send were"
    told = [f"While it was untrusted, {tried} tried: {_counted(acts)}."]
    held = [act for act in acts if act.underived or act.by or act.fate not in REACHED]
    told += [_told(act) for act in held[:_MOST_ACTS]]
    if len(held) > _MOST_ACTS:
        told.append(f"{len(held) - _MOST_ACTS} more such calls are in the list.")
    return told


def _counted(acts: Sequence[Act]) -> str:
    words = {
        Fate.EXECUTED: "executed",
        Fate.UNKNOWN: "of unknown outcome",
        Fate.UNDER_WAY: "without an outcome",
        Fate.NOT_SENT: "not sent",
        Fate.WAITING: "waiting",
        Fate.REFUSED: "refused by a person",
        Fate.LAPSED: "lapsed",
        Fate.DENIED: "denied by a rule",
    }
    counts = {fate: sum(1 for act in acts if act.fate is fate) for fate in Fate}
    return ", ".join(f"{count} {words[fate]}" for fate, count in counts.items() if count)


def _told(act: Act) -> str:
    first, held = act.entries[0], act.underived
    because = f" because {' and '.join(came_from(argument) for argument in held[:3])}" if held else ""
    reasons = f" ({', '.join(act.reasons)})" if act.reasons and not held else ""
    if act.fate is Fate.DENIED:
        return f"{first} ({act.tool}) was denied by a rule{reasons}{because}."
    asked = act.fate in (Fate.WAITING, Fate.REFUSED, Fate.LAPSED) or bool(act.by)
    if not asked:
        said = f", although {' and '.join(came_from(argument) for argument in held[:3])}" if held else reasons
        return f"{first} ({act.tool}) {FATES[act.fate]} without a question{said}."
    by = f" by {act.by}" if act.by and act.fate is Fate.REFUSED else ""
    agreed = f"{act.by} agreed and it " if act.by and act.fate is not Fate.REFUSED else "it "
    return f"{first} ({act.tool}) asked a person{reasons}{because}; {agreed}{FATES[act.fate]}{by}."


def _left(timeline: Timeline) -> list[str]:
    """What may be said of what left: only arguments that decide something are followed, and it says so."""
    if not timeline.acts:
        return ["While it was untrusted, no call that changes or sends something was tried."] if _was_tainted(timeline) else []
    reached = [act for act in timeline.acts if act.fate in REACHED]
    if not reached:
        return ["Nothing left: no call that changes or sends something was executed while it was untrusted."]
    carried = [act for act in reached if any(one.source == SourceKind.RESULT for one in act.underived)]
    untraced = [act for act in reached if not act.traced]
    told = (
        [f"Executed with a deciding argument from what it had read: {len(carried)}, as told above."]
        if carried
        else ["No executed call is known to have taken a deciding argument from untrusted content."]
    )
    if untraced:
        told.append(f"Executed with no record of where the arguments came from: {len(untraced)}.")
    return [*told, "What calls carry along as content is not followed."]


def _was_tainted(timeline: Timeline) -> bool:
    return timeline.first_untrusted is not None or timeline.inherited.is_untrusted


def _stops(timeline: Timeline) -> list[str]:
    stops = [event for event in timeline.events if event.kind is EventKind.STOP and event.level != "lift"]
    return [f"{stop.by.removeprefix('operator:')}: {stop.what} at {clock(stop.at)} UTC ({stop.entry})." for stop in stops[:3]]


def _unfinished(timeline: Timeline) -> list[str]:
    return [f"{timeline.left_out} events did not fit and are not shown."] if timeline.left_out else []
