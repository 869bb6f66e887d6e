"""Whether people's words give a command. Pure."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.flow.words.spoken import Spoken

_GOES_ON: Final = re.compile(
    r"[ \t]*\n(?:[ \t]+\S|[ \t]*(?:[|&)<>]|(?:where|limit|having|order by|group by|from|join|set|values|returning|union)\b"
    r"|(?:and|or)\b[^\n]*[=<>]))",
    re.IGNORECASE,
)
"""A command of several lines: without those that follow it does something else."""
_MARKS: Final = {"`": "`", '"': '"', "\u201c": "\u201d", "\u201e": "\u201c"}
_MOST_PARTS: Final = 50


def gives_command(said: Spoken, value: str) -> str | None:
    """A command stands in the words from mark to mark, or from line to line: a part of one does something else."""
    at = said.raw.find(value)
    for _ in range(_MOST_PARTS):
        if at < 0:
            return None
        before = said.raw[max(0, at - 40) : at].rstrip(" \t")
        after = said.raw[at + len(value) : at + len(value) + 40].lstrip(" \t")
        marked = before[-1:] in _MARKS and after[:1] == _MARKS[before[-1]] if before[-1:] else False
        goes_on = before.rstrip().endswith("\\") or _GOES_ON.match(said.raw, at + len(value)) is not None
        is_line = before[-1:] in ("", "\n", ":") and (not after or after[0] == "\n") and (before or at < 40)
        if marked or (is_line and not goes_on):
            return said.raw[at : at + 160]
        at = said.raw.find(value, at + 1)
    return None
