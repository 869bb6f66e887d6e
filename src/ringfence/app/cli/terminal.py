"""Writing to terminals: nothing that an agent or a server wrote can move the cursor, colour a word or hide a character.

Every piece of text goes through `safe`; rich's markup, emoji and highlighting are off.
"""

from __future__ import annotations

import re
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ringfence.core.approvals.card import visible

_MARK = re.compile(r"\u27e8U\+[0-9A-F]{4,6}\u27e9")
_WIDE = 200
"""Columns where nobody's terminal limits them, so that a pipe gets whole lines."""


def console(*, err: bool = False) -> Console:
    """A console on stdout or stderr as they are now."""
    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else _WIDE
    return Console(file=stream, markup=False, emoji=False, highlight=False, width=width)


def safe(value: object, style: str = "", *, one_line: bool = True) -> Text:
    """Text in which invisible, control and direction characters are spelled out and stand out."""
    if value is None or value == "":
        return Text("-" if value is None else "", style="dim")
    shown = shown_as(str(value))
    text = Text(shown.replace("\n", " \u23ce ") if one_line else shown, style=style)
    text.highlight_regex(_MARK, "bold white on red")
    return text


def shown_as(text: str) -> str:
    """The same as a plain string. What the gateway has already spelled out stays as it is."""
    parts = _MARK.split(text)
    marks = _MARK.findall(text)
    pieces = [visible(part)[0] for part in parts]
    return "".join(piece + (marks[place] if place < len(marks) else "") for place, piece in enumerate(pieces))


def table(*columns: str, title: str = "") -> Table:
    """A plain table without box, whose cells fold instead of being cut."""
    made = Table(title=Text(title) if title else None, box=None, pad_edge=False, header_style="bold", title_justify="left")
    for column in columns:
        made.add_column(Text(column), overflow="fold")
    return made
