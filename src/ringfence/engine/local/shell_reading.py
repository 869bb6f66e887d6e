"""Shell text as simple commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Reading
from ringfence.core.shell.written import Written
from ringfence.ports.shell_parser import ShellParser


async def read_shell(
    text: str, *, parser: ShellParser, cwd: str, home: str, environment: Mapping[str, str], written: Callable[[str], Written]
) -> Reading:
    """Nothing is read yet, so nothing is known."""
    return Reading(commands=(), doubts=(Doubt(Undecided.PARSE, "shell text is not read yet"),))
