"""The shapes that talk a matcher of text around, as values. What they are: README.md beside this file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SHAPES = HERE / "shapes.txt"
NARROW = HERE / "shapes_allow.txt"
"""Commands that a narrow allow list seems to name."""

CLIENT_RULES: Mapping[str, tuple[str, ...]] = {
    "deny": (
        "Bash(rm *)",
        "Bash(curl *)",
        "Bash(wget *)",
        "Bash(git push *)",
        "Read(./.env)",
        "Read(./secrets/**)",
        "Edit(./protected/**)",
    ),
    "allow": ("Bash", "Read", "Edit", "Write", "Glob", "Grep", "WebFetch", "WebSearch", "Agent"),
}
"""Under which shapes.txt is decided: all but what is denied is allowed."""

NARROW_RULES: Mapping[str, tuple[str, ...]] = {
    "allow": (
        "Bash(git log *)",
        "Bash(git diff *)",
        "Bash(echo *)",
        "Bash(find *)",
        "Bash(sort *)",
        "Bash(sed *)",
        "Bash(awk *)",
        "Bash(tar *)",
        "Bash(* --version)",
        "Bash(npm run *)",
        "Bash(cd *)",
        "Bash(xargs *)",
        "Bash(env *)",
        "Bash(timeout *)",
        "Bash(make *)",
        "Bash(curl https://good.example/*)",
    ),
}
"""Under which shapes_allow.txt is decided."""

URL = "http://127.0.0.1:9/x"

_FILE_TOOL = re.compile(r"(Read|Write|Edit)\((.*)\)", re.DOTALL)
_TIMES = re.compile(r"«(\d+)×(.*?)»", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shape:
    """One call of a built-in tool."""

    group: str
    """Its class."""
    client: str
    """What the real client did with it."""
    tool: str
    arguments: Mapping[str, str]
    text: str
    """As it stands in the file, for people."""


def shapes(path: Path, cwd: str) -> tuple[Shape, ...]:
    """All shapes of a file, in its order, for a project in `cwd`."""
    read: list[Shape] = []
    group = client = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# ") or not line:
            continue
        if line.startswith("== "):
            group, client = line[3:].split(" · ")
            continue
        read.append(shape_of(group, client, line, cwd))
    return tuple(read)


def shape_of(group: str, client: str, line: str, cwd: str) -> Shape:
    """One line as a call."""
    text = line.replace("{cwd}", cwd).replace("{url}", URL).replace("␊", "\n").replace("␉", "\t")
    text = _TIMES.sub(lambda found: found[2] * int(found[1]), text)
    of_files = _FILE_TOOL.fullmatch(text)
    if of_files is None:
        return Shape(group, client, "Bash", {"command": text}, line)
    arguments = dict(part.split("=", 1) for part in of_files[2].split(", "))
    return Shape(group, client, of_files[1], arguments, line)
