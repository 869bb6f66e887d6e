"""What a run has written to a path: what is run from there is judged by it."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Unwritten(Enum):
    """Where there is no text to read."""

    NOT_WRITTEN = "not written"
    """The run has not written there, as far as anybody knows."""
    UNREADABLE = "unreadable"
    """It has, and nobody knows what."""


NOT_WRITTEN: Final = Unwritten.NOT_WRITTEN
UNREADABLE: Final = Unwritten.UNREADABLE
Written = str | Unwritten
"""The whole text that it wrote, where that is known."""
