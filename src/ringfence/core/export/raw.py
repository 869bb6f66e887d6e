"""What `git diff-tree --stdin -r -z --raw -m --root --no-renames` writes, read strictly.

For each commit and parent: the commit's id and NUL, then for each path `:MODE MODE ID ID STATUS` NUL, the path, NUL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_COMMIT: Final = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\n?")
_CHANGE: Final = re.compile(rb":([0-7]{6}) ([0-7]{6}) ([0-9a-f]{40,64}) ([0-9a-f]{40,64}) ([ADMTU])")
GONE: Final = "000000"
"""The mode of a path that a commit takes away."""


class UnreadableDiffError(ValueError):
    """It is not what git writes."""


@dataclass(frozen=True, slots=True)
class Change:
    """One path of one commit against one of its parents."""

    commit: str
    path: bytes
    mode: str
    """Of the path in the commit; `GONE` where it is taken away."""
    blob: str


def changes_in(output: bytes) -> tuple[Change, ...]:
    """Raises UnreadableDiffError."""
    parts = output.split(b"\0")
    if parts.pop() != b"":
        raise UnreadableDiffError("the list of changes is cut off")
    commit, found, rest = "", list[Change](), iter(parts)
    for part in rest:
        if (change := _CHANGE.fullmatch(part)) is not None:
            path = next(rest, None)
            if path is None or not commit:
                raise UnreadableDiffError("a change without its path or its commit")
            found.append(Change(commit, path, change[2].decode(), change[4].decode()))
        elif _COMMIT.fullmatch(part) is not None:
            commit = part.strip().decode()
        else:
            raise UnreadableDiffError("neither a commit nor a change")
    return tuple(found)
