"""A shell text as a list of simple commands: what the walk over a syntax tree comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringfence.core.model.local import Doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word after quotes, escapes, braces and what is known of variables are worked out."""

    text: str
    """What the command is given. Where a part is not known `?` stands for it, and `is_known` is false."""
    raw: str
    """As it is written."""
    is_known: bool = True
    is_pattern: bool = False
    """It has an unquoted `*`, `?` or `[`: the shell puts the paths in its place that fit."""
    may_split: bool = False
    """An unquoted expansion that is not known: it may become any number of words."""

    @property
    def is_certain(self) -> bool:
        """Whether it is one word, and this one."""
        return self.is_known and not self.is_pattern and not self.may_split


class Direction(StrEnum):
    READ = "read"
    WRITE = "write"
    APPEND = "append"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirection:
    """A file that a command reads from or writes to. Here-documents, `2>&1` and `/dev/null` are none."""

    direction: Direction
    target: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One simple command, out of all wrappers."""

    words: tuple[Word, ...]
    """Empty: only redirections or assignments."""
    assignments: tuple[tuple[str, Word], ...] = ()
    redirections: tuple[Redirection, ...] = ()
    cwd: str | None
    """Absolute; None: it changed to where nobody knows."""
    via: tuple[str, ...] = ()
    """Through what it is run, from the outside in."""
    raw: str = ""
    """As it is written."""
    stdin: str | None = None
    """The text that it reads, where that is known: a here-document, `echo ... |`."""
    piped: bool = False
    """Whether another command's output is its input."""
    fed_by: tuple[tuple[Word, ...], ...] = ()
    """The words of each simple command to the left of it in its pipe, the nearest first, up to one that is not simple."""
    takes_more: bool = False
    """More words are added at run time that nobody knows (`xargs`, `find -exec`, `parallel`)."""
    outer: tuple[tuple[Word, ...], ...] = ()
    """The whole words of each wrapper that it stands in, from the outside in: `timeout 5 rm x` of `rm x`."""
    is_covered: bool = False
    """A project's own runner (`uv run`, `npx`) starts it, and stands in the list as a command too: what is not known of this
    one is no doubt besides."""
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A whole text."""

    commands: tuple[Command, ...]
    doubts: tuple[Doubt, ...] = ()
    tree: str = ""
    """One line a node, for people."""
