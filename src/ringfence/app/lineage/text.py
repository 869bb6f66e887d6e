"""A timeline as lines of a terminal, 80 columns wide: when, what the run held then, from where to where, and what happened."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ringfence.app.lineage.lanes import Lanes, lay_out
from ringfence.app.lineage.wording import began, happened, notes, state_of

WIDTH: Final = 80
_FOLD: Final = 4
"""So many reads in a row that brought nothing new are told in one line."""
SPINES: Final = {"clean": "│", "untrusted": "┃", "confidential": "╎", "both": "║"}
STYLES: Final = {"clean": "", "untrusted": "yellow", "confidential": "magenta", "both": "bold red"}
LEGEND: Final = "│ clean  ┃ untrusted  ╎ confidential  ║ both  ╰▶ where a value came from"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `text` in the style of what happened, behind what is drawn."""

    drawn: str
    text: str
    style: str = ""
    spine: str = ""
    """The style of what is drawn."""


@dataclass(frozen=True, slots=True)
class _Row:
    event: dict[str, Any] | None
    folded: int = 0
    state: str = "clean"
    entry: str = ""
    what: str = ""
    """What was folded."""


def lines(document: dict[str, Any], width: int = WIDTH) -> Iterator[Line]:
    """The whole timeline, its summary first."""
    yield Line("", f"{document['run']}  {document['agent']}  {began(document)}".rstrip(), "bold")
    if document["task"]:
        by = document["task_by"] or "nobody whose words count"
        for part in textwrap.wrap(f"“{document['task']}” (said by {by})", width):
            yield Line("", part)
    yield Line("", "")
    for sentence in document["summary"]:
        for place, part in enumerate(textwrap.wrap(sentence, width - 2)):
            yield Line("", f"{'· ' if place == 0 else '  '}{part}")
    yield Line("", "")
    rows = _rows(document)
    lanes = lay_out(document["edges"], [row.entry for row in rows])
    for place, row in enumerate(rows):
        yield from _row(row, place, lanes, width)
    yield Line("", LEGEND[:width], "dim")


def _rows(document: dict[str, Any]) -> list[_Row]:
    """One for each event; reads that brought nothing new are folded, unless something came from them."""
    sources = {edge["source"] for edge in document["edges"]}
    rows: list[_Row] = []
    waiting: list[dict[str, Any]] = []

    def flush() -> None:
        if len(waiting) >= _FOLD:
            what = "reads" if all(event["kind"] == "read" for event in waiting) else "reads and requests to models"
            rows.append(_Row(None, len(waiting), state_of(waiting[-1]), waiting[0]["entry"], what))
        else:
            rows.extend(_Row(event, 0, state_of(event), event["entry"]) for event in waiting)
        waiting.clear()

    for event in document["events"]:
        if _brings_nothing(event) and event["entry"] not in sources:
            waiting.append(event)
            continue
        flush()
        rows.append(_Row(event, 0, state_of(event), event["entry"]))
    flush()
    return rows


def _brings_nothing(event: dict[str, Any]) -> bool:
    if event["brings"] or event["findings"]:
        return False
    return event["kind"] == "seen" or (event["kind"] in ("read", "model") and event["level"] == "allow")


def _row(row: _Row, place: int, lanes: Lanes, width: int) -> Iterator[Line]:
    spine, style = SPINES[row.state], STYLES[row.state]
    if row.event is None:
        yield Line(
            f"{row.entry:>7} {'':8} {spine}{lanes.passing(place)}  ",
            f"… {row.folded} {row.what} that brought nothing new",
            "dim",
            style,
        )
        return
    event = row.event
    reached = lanes.reaching(place)
    arrives = reached != lanes.passing(place)
    drawn = reached if arrives else lanes.leaving(place)
    begins = lanes.begins(place)
    if begins and not arrives:
        spine = {"│": "├", "┃": "┠", "╎": "├", "║": "╟"}[spine]
    head = f"{event['entry']:>7} {event['time']:8} {spine}{drawn}{'▶' if arrives else ' '} "
    said, look = happened(event)
    yield from _wrapped(head, _behind(row, place, lanes), said, look, style, width)
    for note in notes(event, lanes.undrawn):
        behind = _behind(row, place, lanes)
        yield from _wrapped(behind, behind, note, "dim" if look == "" else look.replace("bold ", ""), style, width, indent="  ")
    if begins and arrives:
        bar = {"│": "├", "┃": "┠", "╎": "├", "║": "╟"}[spine]
        own = Lanes(lanes.lanes, lanes.width)
        yield Line(f"{'':16} {bar}{_answer(own, place)}  ", "its answer", "dim", style)


def _answer(lanes: Lanes, place: int) -> str:
    """A lane that begins below the row of the effect that is its source too."""
    after, begun = list(lanes.passing(place, after=True)), lanes.leaving(place)
    end = begun.index("╮")
    for column in range(end):
        after[column] = "┼" if after[column] == "│" else "─"
    after[end] = "╮"
    return "".join(after)


def _behind(row: _Row, place: int, lanes: Lanes) -> str:
    passing = lanes.passing(place, after=True)
    return f"{'':16} {SPINES[row.state]}{passing}  "


def _wrapped(head: str, behind: str, said: str, style: str, spine: str, width: int, *, indent: str = "") -> Iterator[Line]:
    room = max(20, width - len(head) - len(indent))
    parts: Sequence[str] = textwrap.wrap(said, room) or [""]
    for number, part in enumerate(parts):
        yield Line(head if number == 0 else behind, indent + part, style, spine)
