"""Whether the prompts and tools of an agent are those of its earlier runs. A value machine, pure.

    watch = Watch()
    watch.replay(body)                               what the log has of it, in its order
    news = watch.look(run, PROMPT, parts)            None: nothing that was not known
    if news: record news.body(), then watch.learn(news)

What is new is known from then on: it is told once. In its first run an agent's prompts and tools are only learnt. What is
another one in every run is noise, and is not told any more once that is seen; it is recorded all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ringfence.core.metering.prompts import Part

PROMPT: Final = "prompt"
TOOLS: Final = "tools"
NOISE: Final = 3
"""Runs one after the other with something new at the same place. What the next one brings there is noise."""
MOST_KNOWN: Final = 4_000
"""Parts of one agent that are known. The oldest are forgotten first, and would be told again."""
MOST_IN_ENTRY: Final = 200
_ALL_TOOLS: Final = "tools"


@dataclass(frozen=True, slots=True)
class News:
    """Parts that the agent had in no run before, or not that it is known."""

    run: str
    kind: str
    """`PROMPT` or `TOOLS`."""
    parts: tuple[Part, ...]
    changed: tuple[str, ...]
    """Names of those that took the place of others; the rest was added."""
    in_a_row: Mapping[str, int]
    """By place: how many runs, one after the other, brought something new there."""
    is_told: bool
    """People are told: it is not the first run, and it is more than noise."""

    def body(self) -> dict[str, Any]:
        """As the log has it."""
        return {
            "watched": self.kind,
            "parts": [{"name": part.name, "digest": part.digest} for part in self.parts],
            "changed": list(self.changed),
            "in_a_row": dict(self.in_a_row),
            "told": self.is_told,
        }


@dataclass(slots=True)
class _Place:
    run: str = ""
    is_new: bool = False
    in_a_row: int = 0


@dataclass(slots=True)
class Watch:
    """What is known of one agent."""

    _known: dict[tuple[str, str, str], None] = field(default_factory=dict[tuple[str, str, str], None])
    _names: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    _first: dict[str, str] = field(default_factory=dict[str, str])
    """The first run in which there was something, by kind."""
    _places: dict[tuple[str, str], _Place] = field(default_factory=dict[tuple[str, str], _Place])

    def look(self, run: str, kind: str, parts: Sequence[Part]) -> News | None:
        """What is new among the parts of a run."""
        fresh = tuple(part for part in parts if (kind, part.name, part.digest) not in self._known)[:MOST_IN_ENTRY]
        new = {_place_of(kind, part) for part in fresh}
        for place in {_place_of(kind, part) for part in parts}:
            self._pass(run, kind, place, is_new=place in new)
        if not fresh:
            return None
        is_first = self._first.get(kind, run) == run
        rows = {place: 0 if is_first else self._places[kind, place].in_a_row for place in sorted(new)}
        changed = tuple(part.name for part in fresh if (kind, part.name) in self._names)
        is_told = not is_first and any(count <= NOISE for count in rows.values())
        return News(run, kind, fresh, changed, rows, is_told)

    def learn(self, news: News) -> None:
        """It is in the log."""
        self._first.setdefault(news.kind, news.run)
        for part in news.parts:
            self._known[news.kind, part.name, part.digest] = None
            self._names[news.kind, part.name] = part.digest
        while len(self._known) > MOST_KNOWN:
            kind, name, _ = next(iter(self._known))
            del self._known[next(iter(self._known))]
            self._names.pop((kind, name), None)

    def replay(self, run: str, body: Mapping[str, Any]) -> None:
        """One entry of the log, the oldest first. What is odd about it says nothing."""
        kind, parts, rows = body.get("watched"), body.get("parts"), body.get("in_a_row")
        if kind not in (PROMPT, TOOLS) or not isinstance(parts, list):
            return
        known = [(part.get("name"), part.get("digest")) for part in parts if isinstance(part, Mapping)]
        found = tuple(Part(name, digest) for name, digest in known if isinstance(name, str) and isinstance(digest, str))
        self.learn(News(run, kind, found, (), {}, is_told=False))
        for place, count in (rows if isinstance(rows, Mapping) else {}).items():
            if isinstance(count, int):
                self._places[kind, str(place)] = _Place(run, True, count)

    def _pass(self, run: str, kind: str, place: str, *, is_new: bool) -> None:
        """A run was seen at a place."""
        here = self._places.setdefault((kind, place), _Place())
        if here.run != run:
            here.in_a_row = here.in_a_row if here.is_new else 0
            here.run, here.is_new = run, False
        if is_new and not here.is_new:
            here.is_new = True
            # The first run of an agent brings everything; that is no noise.
            here.in_a_row += 1 if self._first.get(kind, run) != run else 0


def _place_of(kind: str, part: Part) -> str:
    """What is noise together: one block of a prompt; all tools."""
    return _ALL_TOOLS if kind == TOOLS else part.name
