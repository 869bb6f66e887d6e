"""Why one decision turned on where things came from: which argument, out of which answer, and which reads tainted the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ringfence.core.lineage.events import Argument, Event, EventKind, is_confidential
from ringfence.core.lineage.seen import seen
from ringfence.core.lineage.telling import came_from, clock
from ringfence.core.lineage.tracer import event_of, with_outcome
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.provenance import SourceKind
from ringfence.core.model.verdict import ReasonCode

FLOW: Final = frozenset(
    {ReasonCode.PROVENANCE.value, ReasonCode.RULE_OF_TWO.value, ReasonCode.CLEARANCE.value, ReasonCode.LEAVING_CAP.value}
)
"""Reasons that such words explain."""
_MOST_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Because:
    """What a decision knew of where things came from."""

    arguments: tuple[Argument, ...]
    label: Label
    untrusted_since: Event | None = None
    """The read that made the run untrusted and that nobody has answered for since."""
    confidential_since: Event | None = None

    def sentences(self, tools: Mapping[str, str]) -> list[str]:
        """In words. `tools` names the calls that arguments came from."""
        said = [self._argument(argument, tools) for argument in self.arguments if not argument.is_derived][:_MOST_TOLD]
        left = sum(1 for argument in self.arguments if not argument.is_derived) - len(said)
        if left:
            said.append(f"{left} more of its arguments came from no trusted source either.")
        if self.label.is_untrusted:
            said.append(f"The run was untrusted{_since(self.untrusted_since)}.")
        if is_confidential(self.label):
            said.append(f"It held {self.label.confidentiality.value} data{_since(self.confidential_since)}.")
        return said

    def _argument(self, argument: Argument, tools: Mapping[str, str]) -> str:
        # The place says which tool it is of; that one is needed only where no place was written down.
        if argument.source == SourceKind.UNASKED:
            return f"{argument.where[:1].upper()}{argument.where[1:]}."
        details = argument.where.removeprefix("only in ") or tools.get(argument.entry, "")
        return f"Its argument {came_from(argument)}{f' ({details})' if details else ''}."

    def view(self) -> dict[str, Any]:
        return {
            "arguments": [argument.view() for argument in self.arguments],
            "label": self.label.view(),
            "untrusted_since": self.untrusted_since.entry if self.untrusted_since is not None else None,
            "confidential_since": self.confidential_since.entry if self.confidential_since is not None else None,
        }


def because(decision: object, earlier: Iterable[object]) -> Because | None:
    """Of a decision's entry. `earlier` are entries of its run and those above it, in the order of the log; those that neither
    raised nor lowered a label may be missing. None where the entry is no decision.
    """
    read = seen(decision)
    if read is None or read.kind != "decision":
        return None
    mine = event_of(read)
    untrusted: dict[str, Event] = {}
    confidential: dict[str, Event] = {}
    calls: dict[str, Event] = {}
    for given in earlier:
        entry = seen(given)
        if entry is None or entry.seq >= read.seq:
            continue
        event = event_of(entry)
        if entry.kind == "outcome":
            event = with_outcome(calls.get(entry.call, replace(event, what=entry.tool)), entry)
        elif entry.kind == "decision":
            calls[entry.call] = event
        if event.kind is EventKind.LABEL:
            if not event.label.is_untrusted:
                untrusted.pop(entry.run, None)
            if not is_confidential(event.label):
                confidential.pop(entry.run, None)
        brings = event.brings or CLEAN
        if brings.is_untrusted:
            untrusted.setdefault(entry.run, event)
        if is_confidential(brings):
            confidential.setdefault(entry.run, event)
    return Because(mine.arguments, mine.label, _earliest(untrusted), _earliest(confidential))


def _earliest(found: Mapping[str, Event]) -> Event | None:
    return min(found.values(), key=lambda event: event.seq, default=None)


def _since(event: Event | None) -> str:
    if event is None:
        return ", which it had from before its own calls"
    return f" since {event.entry} ({event.what} at {clock(event.at)} UTC)"
