"""Code that a run has written itself and now runs: read where it can be, in doubt otherwise."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from ringfence.core.commands.paths import absolute
from ringfence.core.commands.readers.python_code import read_code
from ringfence.core.model.local import Doubt, LocalAct, PathUse, Undecided, Use
from ringfence.core.model.profile import Effect
from ringfence.core.shell.programs.scripts import SHELLS
from ringfence.core.shell.written import Unread, Written

_SOURCES: Final = frozenset({"source", "."})
_OWN_CODE: Final = Doubt(Undecided.SCRIPT, "it runs code that this run has written")
_PYTHON: Final = re.compile(r"(python|pypy)[\d.]*|py")
_FORMS: Final = ("{0}.py", "{0}/__init__.py", "{0}.pyc", "{0}.so", "{0}.abi3.so")
_MAINS: Final = (*_FORMS, "{0}/__main__.py", "src/{0}.py", "src/{0}/__main__.py", "src/{0}/__init__.py")
_SHADOWS: Final = tuple(sorted(sys.stdlib_module_names - {"test", "this", "antigravity"}))


def of_this_run(act: LocalAct, cwd: str | None, written: Callable[[str], Written]) -> LocalAct:
    """The act with what its code reads, or with a doubt. Scripts for a shell are read as commands before this.

    `cwd`: where it is run; None: nobody knows.
    """
    name = posixpath.basename(act.words[0]) if act.words else ""
    is_python = _PYTHON.fullmatch(name) is not None
    runs = [use for use in act.paths if use.use is Use.EXECUTE]
    own = [use for use in runs if any(written(end) is not Unread.NOT_WRITTEN for end in _ends(use))]
    beside = list(_beside(act.words, cwd or "/")) if is_python else []
    if cwd is not None and any(_is_own(path, written) for path in beside):
        return replace(act, doubts=tuple(dict.fromkeys((*act.doubts, _OWN_CODE))))
    if not own or (act.profile.effect is not Effect.READ and (name in SHELLS | _SOURCES or "/" in act.words[0])):
        return act
    for use in own:
        reads = _reads(use, cwd, written) if is_python and not beside else None
        if reads is None:
            return replace(act, doubts=tuple(dict.fromkeys((*act.doubts, _OWN_CODE))))
        act = replace(act, paths=(*act.paths, *reads))
    return act


def _is_own(path: str, written: Callable[[str], Written]) -> bool:
    return written(path) is not Unread.NOT_WRITTEN


def _ends(use: PathUse) -> set[str]:
    return {use.path, use.real or use.path}


def _beside(words: Sequence[str], cwd: str) -> Iterator[str]:
    """Modules that `-c`, `-m` and standard input take from the folder of now before those of Python itself."""
    before = next((word for word in words[1:] if not word.startswith("-")), None)
    at = next((number for number, word in enumerate(words) if re.fullmatch(r"-[a-zA-Z]*[cm]", word)), None)
    if at is None and before not in (None, "-"):
        return
    if at is not None and any(word.startswith("-") and set(word[1:]) & set("IP") for word in words[1:at]):
        return
    if at is not None and words[at].endswith("m") and at + 1 < len(words):
        module = words[at + 1].replace(".", "/")
        yield from (absolute(form.format(module), cwd) for form in _MAINS)
    for name in _SHADOWS:
        yield from (absolute(form.format(name), cwd) for form in _FORMS)


def _reads(use: PathUse, cwd: str | None, written: Callable[[str], Written]) -> tuple[PathUse, ...] | None:
    """What a program in Python reads; None: nobody knows, or it may do more."""
    texts = {written(end) for end in _ends(use)} - {Unread.NOT_WRITTEN}
    text = texts.pop() if len(texts) == 1 else None
    if not isinstance(text, str):
        return None
    read = read_code(text)
    if read.why or (cwd is None and not all(map(posixpath.isabs, read.paths))):
        return None
    folder = posixpath.dirname(use.path)
    loaded = (*_SHADOWS, *(name.replace(".", "/") for name in read.imports))
    if any(_is_own(f"{folder}/{form.format(name)}", written) for name in loaded for form in _FORMS):
        return None
    return tuple(PathUse(use=Use.READ, path=absolute(path, cwd or "/")) for path in read.paths)
