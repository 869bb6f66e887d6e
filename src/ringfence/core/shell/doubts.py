"""Doubts that arise in more than one place."""

from __future__ import annotations

from typing import Final

from ringfence.core.model.local import Doubt, Undecided

NOT_LITERAL: Final = Doubt(Undecided.WORD, "the name of the command is worked out at run time")
MADE_TEXT: Final = Doubt(Undecided.EVAL, "text that is made at run time is run")
MADE_NAME: Final = Doubt(Undecided.WORD, "the name of a variable is worked out at run time")
FED_NUMBER: Final = Doubt(Undecided.EVAL, "a number is worked out of what a file of this run holds, which may run a command")


def decides(name: str) -> Doubt:
    """Of a variable that decides which program runs, or what one runs besides."""
    return Doubt(Undecided.WORD, f"{name} decides what is run")
