"""A shell text as its simple commands. Texts within a text (`bash -c`, `eval`, scripts of this run) are parsed as well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ringfence.core.shell.command import Reading
from ringfence.core.shell.reading import MOST_MISSING, MOST_TEXT, attempt, unfinished
from ringfence.core.shell.written import Written
from ringfence.ports.shell_parser import NotShell, ShellParser

_ROUNDS: Final = 12
_UNREADABLE: Final = "a character that shells and their parsers read differently"
_NOTHING: Final[Mapping[str, str]] = {}


async def read_shell(
    text: str,
    *,
    parser: ShellParser,
    cwd: str,
    home: str,
    written: Callable[[str], Written],
    environment: Mapping[str, str] = _NOTHING,
) -> Reading:
    """Every simple command that `text` runs or may run, and what cannot be known of it.

    `cwd` and `home` are absolute; `written` says what this run wrote to an absolute path; `environment` holds variables whose
    values are certain. Raises UnavailableError where the parser cannot answer.
    """
    trees: dict[str, Mapping[str, Any] | str] = {}
    rounds = 0
    waiting: tuple[str, ...] = (text,) if len(text) <= MOST_TEXT else ()
    while True:
        for one in waiting:
            trees[one] = await _tree(one, parser)
        made = attempt(text, trees=trees, cwd=cwd, home=home, environment=environment, written=written)
        if not made.missing:
            return made.reading
        rounds += 1
        if rounds > _ROUNDS or len(trees) > MOST_MISSING:
            return unfinished(made.reading)
        waiting = made.missing[:MOST_MISSING]


async def _tree(text: str, parser: ShellParser) -> Mapping[str, Any] | str:
    if "\0" in text or "\r" in text or any("\ud800" <= character <= "\udfff" for character in text):
        return _UNREADABLE
    tree = await parser.parse(text)
    return tree.why if isinstance(tree, NotShell) else tree
