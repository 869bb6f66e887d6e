"""What a run did, so far as it tells whether the run gets anywhere. Digests and counts, never contents."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringfence.core.model.identifiers import Millis


class DeedKind(StrEnum):
    TOOL = "tool"
    """A call of a tool."""
    MODEL = "model"
    """A request to a model."""
    HANDOVER = "handover"
    """Work that one run of a tree gives to another: a child that is opened, a result that is handed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing that a run did, with what came of it."""

    kind: DeedKind
    began: Millis
    ended: Millis
    what: str
    """The tool, by the name that the operator knows it by."""
    call: str
    """Digest of what was asked: of a model, of what it was newly given."""
    likeness: str
    """The same for calls that differ only in counters, times and versions."""
    result: str
    """Digest of what came back, or a word for what has none."""
    failed: bool = False
    """The answer is an error, or the call was refused."""
    waits: bool = False
    """Asking again and again is how the tool is used."""
    micro: int = 0
    """What it cost, in micro-units."""
