"""What is wrong with a file, where, and what was expected. All of it is collected, then reported at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from ringfence.errors import ConfigError

Path = tuple[str | int, ...]
"""Where a value stands in the file: `("agents", "support", "tools", 1)`."""

_MOST_REPORTED = 100
_MOST_LISTED = 12
_MOST_COMPARED = 200
"""Comparing is slow: a file with thousands of names and faults must still be refused in seconds."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Line and column, both counted from one."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault. `message` never holds a secret value."""

    position: Position
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.position.line}:{self.position.column}"
        return f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}"


class FatalProblem(Exception):
    """A fault after which the rest of the file cannot be read. Never leaves this package."""

    def __init__(self, position: Position, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(position, "", message)


@dataclass(slots=True)
class Problems:
    """Collects faults while a file is read."""

    found: list[Problem] = field(default_factory=list[Problem])

    def at(self, position: Position, path: Path, message: str) -> None:
        """Add a fault."""
        self.found.append(Problem(position, path_text(path), message))

    def error(self, file: str, check: str = "ringfence config check") -> ConfigError:
        """Every fault in one error, in the order of the file, one a line. `check` is the command that reads such a file."""
        ordered = sorted(set(self.found))
        lines = [f"{file}:{problem}" for problem in ordered[:_MOST_REPORTED]]
        if len(ordered) > _MOST_REPORTED:
            lines.append(f"{file}: and {len(ordered) - _MOST_REPORTED} more")
        count = "1 problem" if len(ordered) == 1 else f"{len(ordered)} problems"
        remedy = f"Nothing was applied ({count}). Correct the file, then check it with `{check} {file}`."
        return ConfigError("\n".join(lines), remedy=remedy)


def path_text(path: Path) -> str:
    """A path as people write it: `agents.support.tools[1]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{shown(part)}" if text else shown(part)
    return text


def shown(text: str, most: int = 60) -> str:
    """Text of the file, safe to print on one line: control, bidi and invisible characters escaped, and cut."""
    safe = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:most])
    return safe + "..." if len(text) > most else safe


def nearest(name: str, known: Iterable[str], what: str = "known") -> str:
    """The end of a message that helps: the nearest known name, or the whole list where it is short."""
    names = sorted(set(known))
    compared = names
    if len(names) > _MOST_COMPARED:
        compared = sorted(names, key=lambda candidate: (candidate[:2] != name[:2], abs(len(candidate) - len(name))))[
            :_MOST_COMPARED
        ]
    close = get_close_matches(name, compared, n=1, cutoff=0.6)
    if not close:
        folded = {candidate.casefold(): candidate for candidate in reversed(compared)}
        close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
        close = [folded[match] for match in close]
    if close:
        return f"; nearest {what}: `{close[0]}`"
    if not names:
        return "; none is configured"
    listed = ", ".join(f"`{candidate}`" for candidate in names[:_MOST_LISTED])
    return f"; {what}: {listed}" + (", ..." if len(names) > _MOST_LISTED else "")
