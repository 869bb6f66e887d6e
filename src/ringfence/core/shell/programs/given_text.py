"""Words that are joined and given to a shell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ringfence.core.shell.command import Word
from ringfence.core.shell.doubts import MADE_TEXT
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk


def known_text(words: Sequence[Word]) -> str | None:
    """Words joined as `eval` joins them; None: one of them is not known."""
    return " ".join(word.text for word in words) if all(word.is_certain for word in words) else None


def shell_text(walk: Walk, words: Sequence[Word], line: Line, scope: Scope, around: Around, name: str) -> None:
    """Walk what a program gives to a shell that it starts. No words: what it is given is not known."""
    text = known_text(words) if words else None
    if text is None or around.takes_more:
        walk.emit(line.doubted(MADE_TEXT), scope, around)
        partly(walk, words, scope.inherited(line.assignments), around.inside(line, name))
        return
    if line.redirections or line.doubts:
        walk.emit(line, scope, around)
    walk.walk_text(text, scope.inherited(line.assignments), around.inside(line, name))


def partly(walk: Walk, words: Sequence[Word], scope: Scope, around: Around) -> None:
    """Look for what is certain in a text of which parts are not known. What is found stands beside the doubt."""
    text = " ".join(word.text for word in words)
    if re.search(r"\w", text) and not any(word.may_split and word.text == "?" for word in words[:1]):
        held = dict(walk.doubts)
        walk.walk_text(text, scope.copy(), replace(around, takes_more=True))
        walk.doubts = held
