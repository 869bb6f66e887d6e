"""Drawing which call's answer reached which later call: one lane for each source, as revision graphs are drawn. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_LANES = 4
"""What stands in 80 columns beside the text. Further sources are named in words only."""


@dataclass(slots=True)
class Lane:
    """From the row of a source to the row of the last effect that it reached."""

    place: int
    first: int
    rows: frozenset[int]
    trusted: bool

    @property
    def last(self) -> int:
        return max(self.rows)


@dataclass(frozen=True, slots=True)
class Lanes:
    """All lanes of a drawing."""

    lanes: tuple[Lane, ...] = ()
    width: int = 0
    undrawn: frozenset[str] = field(default_factory=frozenset[str])
    """Sources for which no lane was free."""

    def passing(self, row: int, *, after: bool = False) -> str:
        """The cells of a row on which nothing begins or ends; `after`: below the row itself."""
        cells = [" "] * (2 * self.width)
        for lane in self.lanes:
            if lane.first < row < lane.last or (after and lane.first <= row < lane.last):
                cells[2 * lane.place + 1] = "│"
        return "".join(cells)

    def reaching(self, row: int) -> str:
        """The cells of an effect's row: what reaches it comes in from its lanes."""
        cells = list(self.passing(row))
        mine = sorted((lane for lane in self.lanes if row in lane.rows), key=lambda lane: lane.place)
        if not mine:
            return "".join(cells)
        start = 2 * mine[0].place + 1
        for column in range(start + 1, len(cells)):
            cells[column] = "┼" if cells[column] == "│" else "─"
        for lane in mine:
            goes_on = row < lane.last
            first = lane is mine[0]
            cells[2 * lane.place + 1] = ("├" if first else "┼") if goes_on else ("╰" if first else "┴")
        return "".join(cells)

    def leaving(self, row: int) -> str:
        """The cells of a source's row: its lane begins."""
        cells = list(self.passing(row))
        mine = next((lane for lane in self.lanes if lane.first == row), None)
        if mine is None:
            return "".join(cells)
        end = 2 * mine.place + 1
        for column in range(end):
            cells[column] = "┼" if cells[column] == "│" else "─"
        cells[end] = "╮"
        return "".join(cells)

    def begins(self, row: int) -> bool:
        return any(lane.first == row for lane in self.lanes)


def lay_out(edges: Iterable[dict[str, Any]], rows: Sequence[str]) -> Lanes:
    """Lanes for edges between entries, `rows` being the entries from top to bottom."""
    place = {entry: row for row, entry in enumerate(rows)}
    reached: dict[str, set[int]] = {}
    trusted: dict[str, bool] = {}
    for edge in edges:
        source, effect = place.get(edge["source"]), place.get(edge["effect"])
        if source is not None and effect is not None and source < effect:
            reached.setdefault(edge["source"], set()).add(effect)
            trusted[edge["source"]] = trusted.get(edge["source"], True) and edge["trusted"]
    lanes: list[Lane] = []
    undrawn: set[str] = set()
    for source in sorted(reached, key=lambda entry: place[entry]):
        first = place[source]
        taken = {lane.place for lane in lanes if lane.last >= first}
        free = next((number for number in range(MOST_LANES) if number not in taken), None)
        if free is None:
            undrawn.add(source)
        else:
            lanes.append(Lane(free, first, frozenset(reached[source]), trusted[source]))
    width = max((lane.place + 1 for lane in lanes), default=0)
    return Lanes(tuple(lanes), width, frozenset(undrawn))
