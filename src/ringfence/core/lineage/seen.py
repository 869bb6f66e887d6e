"""One entry as the lineage reads it. Total: whatever is odd about an entry reads as absent, never as an error.

Logs outlive versions: entries of before labels were written say nothing of them, and bodies may have been dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ringfence.core.explaining.plain_text import plain
from ringfence.core.model.label import Label
from ringfence.core.model.profile import Sensitivity, Trust

LONGEST = 160
"""Characters of any text of an entry that is shown."""
_MOST_ITEMS = 64
_LEVELS = {level.value: level for level in Sensitivity}
_TRUSTS = {trust.value: trust for trust in Trust}


@dataclass(frozen=True, slots=True)
class Seen:
    """The fields that a timeline is made from. Texts are plain: one line, nothing hidden in them."""

    seq: int
    at: int
    kind: str
    run: str
    agent: str
    tool: str
    call: str
    decision: str
    by: str
    summary: str
    body: Mapping[str, Any]

    @property
    def id(self) -> str:
        return f"e{self.seq}"


def seen(entry: object) -> Seen | None:
    """The entry, parsed from its leaf; None where it has no place in the log."""
    given = mapping(entry)
    seq, at = given.get("seq"), given.get("at")
    if type(seq) is not int or seq < 0:
        return None
    return Seen(
        seq=seq,
        at=at if type(at) is int else 0,
        kind=text(given.get("kind")),
        run=text(given.get("run")),
        agent=text(given.get("agent")),
        tool=text(given.get("tool")),
        call=text(given.get("call")),
        decision=text(given.get("decision")),
        by=text(given.get("by")),
        summary=text(given.get("summary"), 240),
        body=mapping(given.get("body")),
    )


def text(value: object, most: int = LONGEST) -> str:
    """A text on one line, cut; empty for anything that is none."""
    return plain(value, most) if isinstance(value, str) else ""


def mapping(value: object) -> Mapping[str, Any]:
    """An object; empty for anything that is none."""
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[Mapping[str, Any]]:
    """The objects of a list, so many that a page can show them."""
    if not isinstance(value, list):
        return ()
    return [mapping(item) for item in cast(list[object], value)[:_MOST_ITEMS] if isinstance(item, Mapping)]


def label(value: object) -> Label | None:
    """What `Label.view` wrote; None for anything else."""
    given = mapping(value)
    integrity, level = given.get("integrity"), given.get("confidentiality")
    if not isinstance(integrity, str) or not isinstance(level, str) or integrity not in _TRUSTS or level not in _LEVELS:
        return None
    return Label(_TRUSTS[integrity], _LEVELS[level])
