"""Words from the command line, a file or standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ringfence.app.cli.desk import Desk

_MOST: Final = 400_000
"""Bytes that are read at most; what is too long is refused by the gateway, in its words."""


def words_from(desk: Desk, text: str | None, file: Path | None) -> str:
    """What is to be said. Ends the command where nothing says it, or two things do."""
    if text is not None and file is not None:
        desk.usage("say it either on the command line or with --file")
    if text is not None:
        return text
    if file is None and sys.stdin.isatty():
        desk.usage("say what: as an argument, with --file, or on standard input")
    try:
        if file is None or str(file) == "-":
            data = sys.stdin.buffer.read(_MOST)
        else:
            with file.open("rb") as opened:
                data = opened.read(_MOST)
        return data.decode()
    except (OSError, UnicodeDecodeError) as error:
        desk.usage(f"the words cannot be read: {error}")
