"""What every part of a walk is given: what is read and found so far, and the steps that call each other in a circle.

A text holds statements, a statement words, a word a command, and a command a text. Each of those has files of its own, which
reach each other through this contract; `walking.py` closes the circle.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ringfence.core.shell.files import Files
from ringfence.core.shell.nodes import Node, span
from ringfence.core.shell.recording import Around, Line, Recorder
from ringfence.core.shell.said import said
from ringfence.core.shell.scope import Function, Scope
from ringfence.core.shell.values import Value

Trees: TypeAlias = Mapping[str, "Mapping[str, Any] | str"]
"""What each text is parsed to; a text: why it cannot be."""
MOST_TEXT: Final = 100_000
"""Characters of a text that is read at all."""


@dataclass(slots=True, kw_only=True)
class Defined:
    """Functions of the whole text."""

    every: list[tuple[Function, str, Scope, Around]] = field(default_factory=list["tuple[Function, str, Scope, Around]"])
    """With their name, and what was known where they are defined."""
    called: dict[int, int] = field(default_factory=dict[int, int])
    """How often each body was walked where it is called, by its id."""
    calling: list[int] = field(default_factory=list[int])
    """Bodies that are being walked, each within the one before."""


@dataclass(slots=True, kw_only=True)
class Walk(Recorder):
    """`trees` are the texts that are parsed already. What is missed is asked for in `missing`, and the walk is made anew."""

    trees: Trees
    home: str
    files: Files
    missing: dict[str, None] = field(default_factory=dict[str, None])
    source: bytes = b""
    """The text that is being walked: nodes say where in it they stand."""
    texts: list[str] = field(default_factory=list[str])
    """Texts that are being walked, each within the one before."""
    loops: int = 0
    """How many loops stand around what is being walked."""
    defined: Defined = field(default_factory=Defined)

    @abstractmethod
    def walk_text(self, text: str, scope: Scope, around: Around) -> str | None:
        """Parse and walk a text in this scope; what it writes to standard output, where that is known."""

    @abstractmethod
    def statements(self, nodes: Sequence[Node], scope: Scope, around: Around) -> str | None:
        """Walk them in turn; what they write to standard output, where that is known."""

    @abstractmethod
    def statement(self, node: Node, scope: Scope, around: Around) -> str | None:
        """Walk one; what it writes to standard output, where that is known."""

    @abstractmethod
    def run(self, line: Line, scope: Scope, around: Around, *, is_plain: bool = False) -> str | None:
        """Read one simple command, out of whatever wrapper. `is_plain`: functions are passed over (`command`, `env`)."""

    @abstractmethod
    def value(self, node: Node, scope: Scope, around: Around) -> Value:
        """What a word comes to that is neither split nor a pattern of paths: of an assignment, of a here-string."""

    def raw(self, node: Node) -> str:
        """A node as it is written."""
        first, last = span(node)
        return self.source[first:last].decode("utf-8", "replace")

    def emit(self, line: Line, scope: Scope, around: Around) -> None:
        Recorder.emit(self, line, scope, around)
        self.files.peruse(line, scope)

    def output(self, line: Line, scope: Scope, around: Around) -> str | None:
        """Emit a command; what it writes to standard output, where that is known."""
        self.emit(line, scope, around)
        return said(line.words, scope.stdin, scope.place)

    def parsed(self, text: str) -> Mapping[str, Any] | str | None:
        """The tree of a text, or why it has none. None: it is not parsed yet."""
        tree = self.trees.get(text)
        if tree is None:
            self.missing[text] = None
        return tree
