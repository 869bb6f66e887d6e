"""What runs have written to files, so that a script of a run's own is read before it is run. In memory, bounded.

It is noted before a call is let through: a command that fails half-way counts as having written. Where too much was written to
remember, everything counts as written by nobody knows whom.
"""

from __future__ import annotations

import posixpath
from collections import OrderedDict
from typing import Final

from ringfence.core.model.identifiers import RunId
from ringfence.core.model.local import Judgement, PathUse, Use
from ringfence.core.model.run import Run
from ringfence.core.shell.written import Unread, Written
from ringfence.ports.clock import Clock

MOST_PATHS: Final = 5_000
MOST_FOLDERS: Final = 500
MOST_TEXT: Final = 4 << 20
"""Characters of all texts of one run. Beyond them only the paths are remembered."""
MOST_RUNS: Final = 2_000
MOST_OF_ALL: Final = 128 << 20
"""Characters of all runs, paths among them. Beyond them the run that was at work the longest time ago is forgotten."""
LONGEST_TEXT: Final = 256 << 10
_BRINGS: Final = frozenset(
    {
        "7z",
        "bsdtar",
        "cp",
        "cpio",
        "curl",
        "git",
        "gunzip",
        "install",
        "ln",
        "mv",
        "patch",
        "rsync",
        "scp",
        "tar",
        "unzip",
        "wget",
    }
)
"""Commands that put whole trees somewhere. What others write to all of a project (formatters, builds) is not remembered: what
is run from there afterwards was there before."""


class RunFiles:
    """What one run wrote."""

    def __init__(self, *, is_too_much: bool = False) -> None:
        self._texts: dict[str, Written] = {}
        self._folders: set[str] = set()
        self._size = 0
        self._names = 0
        self._is_too_much = is_too_much

    @property
    def weight(self) -> int:
        """Characters that are remembered."""
        return self._size + self._names

    def written(self, path: str) -> Written:
        """What stands there, by an absolute path."""
        if self._is_too_much:
            return Unread.UNREADABLE
        if (known := self._texts.get(path)) is not None:
            return known
        return Unread.UNREADABLE if any(_is_below(path, folder) for folder in self._folders) else Unread.NOT_WRITTEN

    def note(self, path: str, text: str | None) -> None:
        """`text`: all of it; None: nobody knows what."""
        if self._is_too_much:
            return
        before = self._texts.get(path)
        self._names += len(path) if before is None else 0
        if isinstance(before, str):
            self._size -= len(before)
        self._texts[path] = Unread.UNREADABLE
        if text is not None and len(text) <= LONGEST_TEXT and self._size + len(text) <= MOST_TEXT:
            self._texts[path] = text
            self._size += len(text)
        if len(self._texts) > MOST_PATHS:
            self._give_up()

    def note_below(self, folder: str) -> None:
        """Anything may stand below it now."""
        for path in [path for path in self._texts if _is_below(path, folder)]:
            self.note(path, None)
        self._folders.add(folder)
        if self._is_too_much or len(self._folders) > MOST_FOLDERS:
            self._give_up()

    def _give_up(self) -> None:
        """Everything counts as written from now on, so nothing has to be remembered."""
        self._is_too_much = True
        self._texts.clear()
        self._folders.clear()
        self._size = self._names = 0


class WrittenFiles:
    """Of all runs."""

    def __init__(self, clock: Clock, most: int = MOST_OF_ALL) -> None:
        self._clock = clock
        self._most = most
        self._since = clock.now()
        """Runs that were opened up to then may have written more than is known here."""
        self._runs: OrderedDict[RunId, RunFiles] = OrderedDict()

    def of(self, run: Run) -> RunFiles:
        known = self._runs.get(run.id)
        if known is None:
            known = self._runs[run.id] = RunFiles(is_too_much=run.opened_at < self._since)
        self._runs.move_to_end(run.id)
        while len(self._runs) > 1 and (
            len(self._runs) > MOST_RUNS or sum(each.weight for each in self._runs.values()) > self._most
        ):
            self._runs.popitem(last=False)
            self._since = self._clock.now()
        return known

    def forget(self, run: RunId) -> None:
        self._runs.pop(run, None)


def note_acts(files: RunFiles, judgement: Judgement, content: str | None) -> None:
    """A call is about to be let through. `content`: of a file tool that writes all of one file."""
    for act in judgement.acts:
        brings = bool(act.words) and posixpath.basename(act.words[0]) in _BRINGS
        for use in act.paths:
            if use.use in (Use.WRITE, Use.DELETE):
                _note(files, use, content, brings or use.path not in judgement.place.roots)


def _note(files: RunFiles, use: PathUse, content: str | None, counts_below: bool) -> None:
    is_gone = use.use is Use.DELETE
    for path in {use.path, use.real or use.path}:
        if not use.is_pattern:
            files.note(path, "" if is_gone else content)
        if (use.below or use.is_pattern or use.is_folder) and not is_gone and counts_below:
            files.note_below(_literal(path) if use.is_pattern else path)


def _literal(pattern: str) -> str:
    """The folder that a pattern's paths are below for certain."""
    parts: list[str] = []
    for part in pattern.split("/")[:-1]:
        if any(sign in part for sign in "*?[{"):
            break
        parts.append(part)
    return "/".join(parts) or "/"


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")
