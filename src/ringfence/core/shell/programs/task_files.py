"""Whether a command runs a file that this run wrote, in a language that is not read here. `tasks.py` has the programs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ringfence.core.model.local import Doubt, Undecided
from ringfence.core.shell.command import Word
from ringfence.core.shell.places import is_pipe, path_of
from ringfence.core.shell.programs.tasks import TASKS, Task
from ringfence.core.shell.recording import Line
from ringfence.core.shell.scope import Scope
from ringfence.core.shell.walk import Walk
from ringfence.core.shell.written import Unread

_LANGUAGES: Final = re.compile(
    r"(python|pypy|perl|ruby|lua|luajit|php|node|nodejs|deno|bun|tclsh|guile|Rscript|osascript|julia)[\d.]*|tsx|ts-node|groovy"
)
"""Programs that run the file that is their first word."""
_SCRIPT: Final = re.compile(
    r".*\.(py|pyw|js|mjs|cjs|jsx|ts|mts|tsx|rb|pl|pm|lua|php|awk|sed|ed|r|R|tcl|scm|mk|groovy|scpt)|(.*/)?Makefile[^/]*"
)
_LANGUAGE: Final = Task(scripts=True)
_MAKES: Final = frozenset({"make", "gmake", "bmake"})
_RUN: Final = re.compile(r"[\s;&|`$<>()]|.*/")
"""In the value of a variable that a rule may run."""
_MOST_ABOVE: Final = 8
"""Folders above that are looked at."""
_PYTHON: Final = re.compile(r"(python|pypy)[\d.]*|py")


def task_doubt(walk: Walk, line: Line, scope: Scope) -> Doubt | None:
    """Whether a command runs a file that this run wrote, in a language that is not read here, or what its words say.

    A script of Python, Node and the like that an earlier call wrote is told by its act, and is not looked at here.
    """
    found = _task_of(line.words)
    if found is None:
        return None
    name, task, rest = found
    if name in _MAKES or name == "just":
        for variable, value in line.assignments:
            if not value.is_known or _RUN.search(value.text):
                return Doubt(Undecided.EVAL, f"a rule of {name} may run the variable {variable}"[:200])
    told = _text_of(task, rest)
    if told is not None:
        return Doubt(Undecided.EVAL, f"a word decides what {name} runs: {told}"[:200])
    files = tuple(_files_of(name, task, rest))
    if any(text == "-" or is_pipe(text) for text in files) and not _LANGUAGES.fullmatch(name):
        return Doubt(Undecided.SCRIPT, f"what {name} runs comes through a pipe")
    places = [place for place in scope.places if place is not None] or [walk.files.start]
    paths = {path_of(text, place) for text in files for place in places if text}
    for path in sorted(path for path in paths if path is not None):
        if path in walk.files.wrote or path in walk.files.touched:
            return Doubt(Undecided.SCRIPT, f"it runs what this text wrote: {path}"[:200])
        if not _LANGUAGES.fullmatch(name) and walk.files.written(path) is not Unread.NOT_WRITTEN:
            return Doubt(Undecided.SCRIPT, f"it runs what this run wrote: {path}"[:200])
    return None


def files_run(words: Sequence[Word]) -> tuple[str, ...]:
    """The files that a command runs without being told, or by an option: paths in the folder where it is started."""
    found = _task_of(words)
    return tuple(_files_of(*found)) if found is not None else ()


def _task_of(words: Sequence[Word]) -> tuple[str, Task, Sequence[Word]] | None:
    """Which one a command is, and its words. `python -m pytest` is `pytest`, `docker compose` is `docker-compose`."""
    name = words[0].text.rpartition("/")[2]
    rest = words[1:]
    if _PYTHON.fullmatch(name):
        at = next((number for number, word in enumerate(rest) if word.text == "-m"), None)
        if at is not None and at + 1 < len(rest) and not any(not word.text.startswith("-") for word in rest[:at]):
            name, rest = rest[at + 1].text, rest[at + 2 :]
    elif name in {"docker", "podman"} and rest and rest[0].text == "compose":
        name, rest = "docker-compose", rest[1:]
    task = TASKS.get(name)
    if task is None:
        return (name, _LANGUAGE, rest) if _LANGUAGES.fullmatch(name) else None
    if name == "uv" and not any(word.text in {"run", "sync", "build", "pip"} for word in rest[:4]):
        return None
    return name, task, rest


def _files_of(name: str, task: Task, rest: Sequence[Word]) -> Iterator[str]:
    """The files that it runs, as paths in the folder where it is started."""
    known = [word.text for word in rest if word.is_known]
    folders = ["", *(f"{folder}/" for folder in _values(known, task.folders))]
    if not any(text in task.spares for text in known):
        above = [f"{folder}{'../' * count}" for folder in folders for count in range(1, _MOST_ABOVE)] if task.climbs else []
        for folder in [*folders, *above]:
            yield from (f"{folder}{file}" for file in task.files)
    for value in _values(known, task.named):
        yield from (f"{folder}{value}" for folder in folders if not (folder and value.startswith("/")))
    if name in _MAKES:
        # `make CC=tools/cc`: a rule runs what stands there.
        yield from (text.partition("=")[2] for text in known if "=" in text and not text.startswith("-"))
    for module in _values(known, task.modules):
        if not module.startswith("no:"):
            yield from (f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__init__.py")
    if task.scripts:
        yield from (text for text in known if _SCRIPT.fullmatch(text))
    if _LANGUAGES.fullmatch(name):
        yield from [text for text in known if not text.startswith("-")][:1]


def _text_of(task: Task, rest: Sequence[Word]) -> str | None:
    """A word with which it runs anything, or fetches from anywhere."""
    if task.texts is None:
        return None
    for number, word in enumerate(rest):
        before = rest[number - 1].text if number else ""
        joined = f"{before}={word.text}" if before.startswith("--") and "=" not in before else word.text
        if task.texts.fullmatch(word.text) or task.texts.fullmatch(joined):
            return word.text
    return None


def _values(texts: Sequence[str], options: frozenset[str]) -> Iterator[str]:
    """What stands behind options, or is attached to them."""
    for number, text in enumerate(texts):
        if text in options:
            if number + 1 < len(texts):
                yield texts[number + 1]
            continue
        name, equals, value = text.partition("=")
        if equals and name in options:
            yield value
        elif not text.startswith("--") and text[:2] in options and len(text) > 2:
            yield text[2:]
