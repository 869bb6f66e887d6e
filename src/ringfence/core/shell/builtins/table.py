"""Which file reads which of the shell's own commands.

Each emits the command too, unless all that it does is said by what it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from ringfence.core.shell.builtins.arguments import set_arguments, shift
from ringfence.core.shell.builtins.directories import change_place, pop_place
from ringfence.core.shell.builtins.names import declare, takes_names
from ringfence.core.shell.builtins.passing_on import bypass, replace_shell
from ringfence.core.shell.builtins.settings import changes_readings, changes_runs, hands_over
from ringfence.core.shell.builtins.texts import alias, evaluate, run_file, trap
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk

Builtin: TypeAlias = Callable[[Walk, Line, Scope, Around], str | None]
"""What it writes to standard output, where that is known."""

BUILTINS: Final[Mapping[str, Builtin]] = {
    **dict.fromkeys(("cd", "pushd"), change_place),
    "popd": pop_place,
    "eval": evaluate,
    **dict.fromkeys(("source", "."), run_file),
    "trap": trap,
    "alias": alias,
    "exec": replace_shell,
    **dict.fromkeys(("command", "builtin"), bypass),
    "set": set_arguments,
    "shift": shift,
    **dict.fromkeys(("export", "readonly", "local", "declare", "typeset"), declare),
    **dict.fromkeys(("read", "unset", "printf", "mapfile", "readarray", "getopts", "let", "wait", "test", "["), takes_names),
    "shopt": changes_readings,
    **dict.fromkeys(("hash", "enable", "compgen"), changes_runs),
    **dict.fromkeys(("complete", "bind", "fc"), hands_over),
}
