"""What a timeline consists of. Values; every text in them is plain and cut."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringfence.core.model.label import CLEAN, Label, at_least
from ringfence.core.model.profile import Sensitivity
from ringfence.core.model.provenance import TRUSTED_SOURCES


class EventKind(StrEnum):
    RUN = "run"
    """A run was opened, told something, or closed."""
    READ = "read"
    """A call that changes nothing and reaches nobody outside."""
    EFFECT = "effect"
    """A call that would change something or reach outside, whatever was decided."""
    HANDOFF = "handoff"
    """A child run handed something to its parent."""
    MODEL = "model"
    """A request to a model. It costs, but changes nothing and reaches nobody but the model."""
    SEEN = "seen"
    """What tools beside the gateway gave the run, as it tells of itself by what it sends to models."""
    PERSON = "person"
    """Somebody decided on an approval, or it ended without."""
    LABEL = "label"
    """An operator answered for what a run was given."""
    STOP = "stop"
    OTHER = "other"


class Fate(StrEnum):
    """What came of an effect that was tried."""

    EXECUTED = "executed"
    UNKNOWN = "unknown"
    """It was sent, and nobody can know whether it took effect."""
    UNDER_WAY = "under_way"
    NOT_SENT = "not_sent"
    WAITING = "waiting"
    """For a person."""
    REFUSED = "refused"
    """A person said no."""
    LAPSED = "lapsed"
    """Its approval expired or was withdrawn."""
    DENIED = "denied"
    """By a rule."""


GIVING = frozenset({EventKind.READ, EventKind.EFFECT, EventKind.HANDOFF, EventKind.MODEL, EventKind.SEEN})
"""What may raise the run's label, and says what that was before."""
REACHED = frozenset({Fate.EXECUTED, Fate.UNKNOWN, Fate.UNDER_WAY})
"""It left, or may have."""
_TRUSTED = frozenset(kind.value for kind in TRUSTED_SOURCES)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument that decides something, and where its value came from."""

    pointer: str
    role: str
    source: str
    """A `SourceKind`."""
    entry: str = ""
    """Whose answer it stands in."""
    where: str = ""

    @property
    def is_derived(self) -> bool:
        """Whether a trusted source spoke for it."""
        return self.source in _TRUSTED

    def view(self) -> dict[str, Any]:
        return {
            "pointer": self.pointer,
            "role": self.role,
            "from": self.source,
            "entry": self.entry or None,
            "where": self.where,
            "trusted": self.is_derived,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened: a decision with what came of it, or something that people or the gateway did."""

    entry: str
    seq: int
    at: int
    run: str
    kind: EventKind
    what: str
    """The tool, or one line of what happened."""
    level: str = ""
    """As the entry has it: `allow`, `ask`, `deny`; `approved`, `denied`; `kill`."""
    by: str = ""
    label: Label = CLEAN
    """Of the run with those above it, when this was decided."""
    brings: Label | None = None
    """What this raised the run's label by."""
    reasons: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    traced: bool = True
    """False: nobody wrote down where the arguments came from."""
    ticket: str = ""
    outcome: str = ""
    """The outcome's entry."""
    ended: str = ""
    answer: Label | None = None
    """Of what came back."""
    findings: tuple[str, ...] = ()
    """What the scan found in it."""
    takes_from: str = ""
    """Of a handoff: the child run whose result this takes; empty where a run hands its own over."""

    @property
    def raises_integrity(self) -> bool:
        return self.brings is not None and self.brings.is_untrusted and not self.label.is_untrusted

    @property
    def raises_confidentiality(self) -> bool:
        return self.brings is not None and is_confidential(self.brings) and not is_confidential(self.label)

    def view(self) -> dict[str, Any]:
        return {
            "entry": self.entry,
            "at": self.at,
            "run": self.run or None,
            "kind": self.kind.value,
            "what": self.what,
            "level": self.level or None,
            "by": self.by,
            "label": self.label.view(),
            "brings": self.brings.view() if self.brings is not None else None,
            "reasons": list(self.reasons),
            "arguments": [argument.view() for argument in self.arguments],
            "traced": self.traced,
            "ticket": self.ticket or None,
            "outcome": self.outcome or None,
            "ended": self.ended or None,
            "answer": self.answer.view() if self.answer is not None else None,
            "findings": list(self.findings),
            "takes_from": self.takes_from or None,
        }


@dataclass(frozen=True, slots=True)
class Edge:
    """An argument of one call that stands in what another brought."""

    source: str
    effect: str
    pointer: str
    trusted: bool

    def view(self) -> dict[str, Any]:
        return {"source": self.source, "effect": self.effect, "pointer": self.pointer, "trusted": self.trusted}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One effect that was tried while the run was untrusted: asking, polling, claiming and executing it are one act."""

    entries: tuple[str, ...]
    tool: str
    fate: Fate
    by: str = ""
    """Who decided, where a person did."""
    reasons: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    traced: bool = True

    @property
    def underived(self) -> tuple[Argument, ...]:
        """Its arguments that no trusted source spoke for."""
        return tuple(argument for argument in self.arguments if not argument.is_derived)

    def view(self) -> dict[str, Any]:
        return {
            "entries": list(self.entries),
            "tool": self.tool,
            "fate": self.fate.value,
            "by": self.by,
            "reasons": list(self.reasons),
            "arguments": [argument.view() for argument in self.arguments],
            "traced": self.traced,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A run, and the runs below it, from source to effect."""

    run: str
    runs: tuple[str, ...]
    agent: str
    task: str
    task_by: str
    """Empty: nobody whose words count."""
    events: tuple[Event, ...]
    edges: tuple[Edge, ...]
    acts: tuple[Act, ...]
    first_untrusted: str | None
    """The entry of the call whose answer made it untrusted; None: none did."""
    first_confidential: str | None
    inherited: Label
    """What it had before anything of this timeline happened."""
    left_out: int = 0
    """Events that did not fit and are counted only."""

    def event(self, entry: str) -> Event | None:
        return next((event for event in self.events if event.entry == entry), None)


def is_confidential(label: Label) -> bool:
    """Whether what the rule of two speaks of is in it."""
    return at_least(label.confidentiality, Sensitivity.CONFIDENTIAL)
