"""`set` and `shift`: the shell's own arguments, `$1` and on."""

from __future__ import annotations

import re
from typing import Final

from ringfence.core.shell.builtins.settings import changing
from ringfence.core.shell.recording import Around, Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.values import arguments_of
from ringfence.core.shell.walk import Walk

_KEYWORD: Final = re.compile(r"[-+][a-zA-Z]*k")
_NAMED: Final = re.compile(r"[-+][a-zA-Z]*o")


def set_arguments(walk: Walk, line: Line, scope: Scope, around: Around) -> str | None:
    texts = [word.text for word in line.words[1:]]
    is_odd = any(_KEYWORD.match(text) for text in texts) or "keyword" in texts or "posix" in texts
    _take(line, scope)
    return changing(walk, line, scope, around, is_odd=is_odd)


def _take(line: Line, scope: Scope) -> None:
    for number, word in enumerate(line.words[1:], start=1):
        if word.text in {"--", "-"}:
            scope.arguments = arguments_of(line.words[number + 1 :], takes_more=False)
            return
        is_option = word.text.startswith(("-", "+")) and word.is_known
        is_name = number > 1 and _NAMED.fullmatch(line.words[number - 1].text)
        if not is_option and not is_name:
            scope.arguments = None
            return


def shift(walk: Walk, line: Line, scope: Scope, around: Around) -> str | None:
    many = line.words[1].text if len(line.words) == 2 else "1" if len(line.words) == 1 else ""
    if scope.arguments is not None and re.fullmatch(r"\d{1,3}", many) and int(many) <= len(scope.arguments):
        scope.arguments = scope.arguments[int(many) :]
    elif scope.arguments is not None and not (many.isdigit() and int(many[:4]) > len(scope.arguments)):
        scope.arguments = None
    return walk.output(line, scope, around)
