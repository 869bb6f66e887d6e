"""What this run wrote to a path, as far as a script that is run from there has to be read."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias


class Unread(Enum):
    """Why there is no text."""

    NOT_WRITTEN = "not written"
    """This run has not written there."""
    UNREADABLE = "unreadable"
    """It has, and what it wrote is not known, or too much to keep."""


Written: TypeAlias = str | Unread
"""The text that a run wrote, or why there is none."""
