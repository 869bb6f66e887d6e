"""What a command of its own runs besides, by way of an option."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Word

MADE_BY_OPTION: Final = Doubt(Undecided.EVAL, "an option makes it run something that is worked out at run time")


@dataclass(frozen=True, slots=True)
class Carried:
    via: str
    texts: tuple[str, ...] = ()
    """Given to a shell."""
    commands: tuple[tuple[Word, ...], ...] = ()
    doubts: tuple[Doubt, ...] = ()


def text_options(name: str, words: Sequence[Word], pattern: str, why: str) -> Carried:
    """Options whose value is text that is run: `--opt=text`, `--opt text`, `-otext`."""
    texts: list[str] = []
    doubts: list[Doubt] = []
    for number, word in enumerate(words[1:], start=1):
        found = re.fullmatch(pattern, word.text, re.DOTALL)
        if found is None:
            continue
        value: str | None = found[1]
        if value is None:
            behind = words[number + 1] if number + 1 < len(words) else None
            value = behind.text if behind is not None and behind.is_known else None
        elif not word.is_known:
            value = None
        if value is None:
            doubts.append(MADE_BY_OPTION)
        else:
            texts.append(value)
            doubts.append(Doubt(Undecided.EVAL, f"{why}: {value}"[:200]))
    return Carried(via=name, texts=tuple(texts), doubts=tuple(doubts))
