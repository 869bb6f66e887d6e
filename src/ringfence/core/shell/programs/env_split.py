"""`env -S 'a b' c`: the text is split into words, nearly as a shell does, and stands in its place."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from ringfence.core.shell.command import Word
from ringfence.core.shell.doubts import MADE_TEXT
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk

_SPLITS: Final = re.compile(r"-[i0v]*S(.+)?|--sp[a-z-]*(?:=(.*))?", re.DOTALL)
_EXPANDED: Final = re.compile(r"[$\\#]")
_PIECES: Final = re.compile(r"(?:'[^']*'|\"[^\"]*\"|[^\s'\"])+")
_QUOTED: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def split_env(walk: Walk, line: Line, scope: Scope, around: Around) -> None:
    for at, word in enumerate(line.words[1:], start=1):
        found = _SPLITS.fullmatch(word.text)
        if found is None:
            continue
        attached = found[1] or found[2]
        end = at + 1 if attached is not None else at + 2
        given = word if attached is not None else line.words[at + 1] if at + 1 < len(line.words) else None
        text = attached if attached is not None else given.text if given is not None else ""
        if given is None or not given.is_known or given.is_pattern or _EXPANDED.search(text):
            break
        pieces = (_QUOTED.sub(lambda quoted: quoted[1] or quoted[2] or "", one) for one in _PIECES.findall(text))
        words = (*line.words[:at], *(Word(text=one, raw=one) for one in pieces), *line.words[end:])
        walk.run(replace(line, words=words), scope, around, is_plain=True)
        return
    walk.emit(line.doubted(MADE_TEXT), scope, around)
