"""What a walk over shell text comes to: commands, doubts, lines for people."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Command, Reading, Redirection, Word
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.values import Value, spelled

MOST_COMMANDS: Final = 2_000
MOST_STEPS: Final = 20_000
MOST_DEPTH: Final = 40
MOST_LINES: Final = 600
_LINE: Final = 160


@dataclass(frozen=True, slots=True)
class Around:
    """What a command stands in."""

    via: tuple[str, ...] = ()
    outer: tuple[tuple[Word, ...], ...] = ()
    is_covered: bool = False
    takes_more: bool = False
    doubts: tuple[Doubt, ...] = ()

    def within(self, name: str) -> Around:
        """Around what stands in a place of the grammar."""
        return replace(self, via=(*self.via, name))

    def inside(self, line: Line, name: str) -> Around:
        """Around what a command runs."""
        return replace(self, via=(*self.via, name), outer=(*self.outer, line.words))


@dataclass(frozen=True, slots=True)
class Line:
    """One simple command before it is known what runs it."""

    words: tuple[Word, ...]
    assignments: tuple[tuple[str, Value], ...] = ()
    redirections: tuple[Redirection, ...] = ()
    raw: str = ""
    doubts: tuple[Doubt, ...] = ()

    @property
    def program(self) -> str:
        """The last part of its first word."""
        return self.words[0].text.rpartition("/")[2]

    def doubted(self, *doubts: Doubt) -> Line:
        return replace(self, doubts=(*self.doubts, *doubts)) if doubts else self


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Bounded in every direction: where a bound is met, a person has to look."""

    commands: dict[Command, None] = field(default_factory=dict[Command, None])
    doubts: dict[Doubt, None] = field(default_factory=dict[Doubt, None])
    lines: list[str] = field(default_factory=list[str])
    indexed: dict[str, None] = field(default_factory=dict[str, None])
    """Texts with an index in them that some variable was given, on whatever branch."""
    depth: int = 0
    steps: int = 0
    is_full: bool = False

    def doubt(self, kind: Undecided, why: str) -> None:
        self.add(Doubt(kind, why))

    def add(self, doubt: Doubt) -> None:
        """A doubt of the text as a whole."""
        self.doubts[doubt] = None

    def emit(self, line: Line, scope: Scope, around: Around) -> None:
        """One command, once for each place that it may be run at."""
        if len(self.commands) >= MOST_COMMANDS:
            self.stop(Undecided.LENGTH, f"more than {MOST_COMMANDS} commands")
            return
        doubts = tuple(dict.fromkeys([*line.doubts, *around.doubts]))
        for place in scope.places:
            command = Command(
                words=line.words,
                assignments=tuple(
                    (name, Word(text=one.text, raw=one.text, is_known=one.is_known)) for name, one in line.assignments
                ),
                redirections=line.redirections,
                cwd=place,
                via=around.via,
                raw=line.raw,
                stdin=scope.stdin,
                piped=scope.is_piped,
                fed_by=scope.fed_by,
                takes_more=around.takes_more,
                doubts=doubts,
                outer=around.outer,
                is_covered=around.is_covered,
            )
            self.commands[command] = None
        self.draw(_drawn(line))
        for doubt in doubts:
            self.draw(f"  not known: {doubt.why}")

    def remember(self, value: Value) -> None:
        """A variable is given this: an expression that reads it later works it out."""
        if "[" in value.text and len(self.indexed) < MOST_COMMANDS:
            self.indexed[value.text] = None

    def stop(self, kind: Undecided, why: str) -> None:
        """No more is read, and a person has to decide."""
        self.is_full = True
        self.doubt(kind, why)

    def step(self) -> bool:
        """Whether there is room for one more node."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            self.stop(Undecided.LENGTH, f"more than {MOST_STEPS} steps")
        return not self.is_full

    @contextmanager
    def deeper(self) -> Generator[bool]:
        """One level further in; whether it is still read."""
        self.depth += 1
        if self.depth > MOST_DEPTH:
            self.doubt(Undecided.DEPTH, f"nested more than {MOST_DEPTH} deep")
        try:
            yield not self.is_full and self.depth <= MOST_DEPTH
        finally:
            self.depth -= 1

    def draw(self, text: str) -> None:
        if len(self.lines) < MOST_LINES:
            flat = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
            clean = flat if flat.isprintable() else "".join(character if character.isprintable() else "?" for character in flat)
            self.lines.append("  " * self.depth + (clean if len(clean) <= _LINE else clean[: _LINE - 3] + "..."))

    def reading(self) -> Reading:
        return Reading(commands=tuple(self.commands), doubts=tuple(self.doubts), tree="\n".join(self.lines))


def _drawn(line: Line) -> str:
    parts = [f"{name}={one.text}" for name, one in line.assignments]
    if line.words:
        parts.append(spelled(line.words))
    parts += [f"{_SIGNS[one.direction]} {one.target.text}" for one in line.redirections]
    return " ".join(parts)


_SIGNS: Final = {"read": "<", "write": ">", "append": ">>", "both": "<>"}
