"""Redirections and here-documents: which files a command reads and writes, and what its standard input is."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

from ringfence.core.model.local import Undecided
from ringfence.core.shell.command import Direction, Redirection, Word
from ringfence.core.shell.nodes import Node, child, literal, plain, text
from ringfence.core.shell.places import is_nowhere
from ringfence.core.shell.recording import Around
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk
from ringfence.core.shell.words.expanding import document, expanded
from ringfence.core.shell.words.tokens import is_literal

_DIRECTIONS: Final = {
    ">": Direction.WRITE,
    ">|": Direction.WRITE,
    "&>": Direction.WRITE,
    ">>": Direction.APPEND,
    "&>>": Direction.APPEND,
    "<": Direction.READ,
    "<>": Direction.BOTH,
}
_TAKES_OUTPUT: Final = frozenset({">", ">|", ">>", "&>", "&>>", ">&", "<>"})


@contextmanager
def redirected(walk: Walk, nodes: Sequence[Node], scope: Scope, around: Around) -> Generator[tuple[Redirection, ...]]:
    """The files that redirections name. Within, standard input is what they say."""
    before = scope.stdin, scope.is_piped, scope.fed_by
    stdin, is_piped = before[:2]
    files: list[Redirection] = []
    for node in nodes:
        operator = text(node, "Op")
        if operator in {"<<", "<<-"}:
            value = document(walk, child(node, "Hdoc"), scope, around, is_expanded=is_literal(child(node, "Word")))
            body = (
                value.text if operator == "<<" else "".join(line.lstrip("\t") for line in value.text.splitlines(keepends=True))
            )
            stdin, is_piped = body if value.is_known else None, True
        elif operator == "<<<":
            value = walk.value(child(node, "Word"), scope, around)
            stdin, is_piped = f"{value.text}\n" if value.is_known else None, True
        else:
            found = _target(walk, node, operator, scope, around)
            if found is not None:
                files.append(found)
                if found.direction in {Direction.READ, Direction.BOTH} and literal(child(node, "N")) in {"", "0"}:
                    stdin, is_piped = None, False
            elif operator in {"<", "<&"}:
                stdin, is_piped = None, plain(child(node, "Word")) != "/dev/null"
    scope.stdin, scope.is_piped = stdin, is_piped
    if (stdin, is_piped) != before[:2] or any(text(node, "Op").startswith("<") for node in nodes):
        scope.fed_by = ()
    try:
        yield tuple(files)
    finally:
        scope.stdin, scope.is_piped, scope.fed_by = before


def _target(walk: Walk, node: Node, operator: str, scope: Scope, around: Around) -> Redirection | None:
    words = expanded(walk, child(node, "Word"), scope, around)
    target = words[0] if len(words) == 1 else Word(text="?", raw=walk.raw(child(node, "Word")), is_known=False)
    direction = _DIRECTIONS.get(operator)
    if operator in {">&", "<&"}:
        if target.is_known and (target.text in {"-", ""} or target.text.rstrip("-").isdigit()):
            return None
        direction = Direction.WRITE if operator == ">&" else Direction.READ
    if direction is None:
        walk.doubt(Undecided.PARSE, f"a redirection is not read: {operator}")
        return None
    if target.is_known and target.text.startswith(("/dev/tcp/", "/dev/udp/")):
        walk.doubt(Undecided.UNKNOWN, "a redirection connects to another machine")
    return None if is_nowhere(target) else Redirection(direction=direction, target=target)


def takes_output(redirections: Sequence[Node]) -> bool:
    """Whether what a command says goes to a file."""
    return any(text(one, "Op") in _TAKES_OUTPUT and literal(child(one, "N")) in {"", "1"} for one in redirections)
