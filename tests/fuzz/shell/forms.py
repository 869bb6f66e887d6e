"""Ways to have a command run by something else: each takes the text of a command and gives the text of another.

Most are lines of forms.txt; here are those that have to make something of the command first.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.fuzz.shell.words import double_quoted, quoted

Form = Callable[[str, Random], str]

SHELLS = ("bash", "sh", "/bin/sh", "bash --norc", "bash -e", "dash", "env bash", "bash --posix", "'bash'")
FLAGS = ("-c", "-c", "-ec", "-xc", "-c --", "-lc", "-o errexit -c", "+e -c")
ENDS = ("EOT", "'EOT'", '"EOT"', "\\EOT")
BASE64 = (
    "echo {} | base64 -d | sh",
    "base64 -d <<<{} | bash",
    'eval "$(echo {} | base64 -d)"',
    'bash -c "$(echo {} | base64 -d)"',
)
MADE = ("printf '%s\\n' {} > x.sh", "echo {} > x.sh", "tee x.sh <<<{} >/dev/null")
RUN = ("sh x.sh", "bash ./x.sh", ". ./x.sh", "source x.sh", "chmod +x x.sh; ./x.sh", "bash <x.sh", "cat x.sh | sh")
KEPT = ('c={}; eval "$c"', "c={}; eval $c", 'c={}; bash -c "$c"', "export c={}; sh -c 'eval \"$c\"'")


def _shell(command: str, rng: Random) -> str:
    text = quoted(command) if rng.random() < 0.7 else double_quoted(command)
    return f"{rng.choice(SHELLS)} {rng.choice(FLAGS)} {text}"


def _heredoc(command: str, rng: Random) -> str:
    flags = rng.choice(["", "-s ", "/dev/stdin ", "- "])
    return f"{rng.choice(SHELLS)} {flags}<<{rng.choice(ENDS)}\n{command}\nEOT\n"


def _base64(command: str, rng: Random) -> str:
    return rng.choice(BASE64).format(base64.b64encode(command.encode()).decode())


def _script(command: str, rng: Random) -> str:
    return f"{rng.choice(MADE).format(quoted(command))}; {rng.choice(RUN)}"


def _makefile(command: str, _rng: Random) -> str:
    return f"printf 'x:\\n\\t%s\\n' {quoted(command.replace('$', '$$'))} > Makefile; make -s x"


def _kept(command: str, rng: Random) -> str:
    return rng.choice(KEPT).format(quoted(command))


def _written() -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in Path(__file__).with_name("forms.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            lines = sections.setdefault(line[3:], [])
        elif not line.startswith("# Way") and not line.startswith("# Wrap"):
            lines.append(line.replace("␊", "\n"))
    return sections


def _form(line: str) -> Form:
    return lambda command, _rng: line.replace("‹q›", quoted(command)).replace("‹c›", command)


_SECTIONS = _written()
WRAPPERS = tuple(_SECTIONS["wrappers"])
NESTINGS: tuple[Form, ...] = (
    *(_shell, _shell, _heredoc, _base64, _script, _makefile, _kept),
    *map(_form, _SECTIONS["nestings"]),
)
"""Take the command as a text."""
OPERANDS: tuple[Form, ...] = tuple(map(_form, _SECTIONS["operands"]))
"""Take it as what stands in a substitution."""
PLACES: tuple[Form, ...] = tuple(map(_form, _SECTIONS["places"]))
"""Take it as it is."""
