"""A drill as a command runs it: what is meant by names, and a folder of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ringfence.app.config.problems import nearest
from ringfence.app.drills.drilling import Chosen, drill
from ringfence.app.drills.ending import run_to_its_end
from ringfence.app.drills.outcome import Report
from ringfence.app.drills.records import records, twins
from ringfence.errors import ConfigError


def chosen(names: Sequence[str], *, renamed: int | None = None, only_told: bool = False) -> Chosen:
    """The records and look-alike runs of these names; all of them where none is given. Raises: ConfigError."""
    known = {one.id for one in (*records(), *twins())}
    for name in names:
        if name not in known:
            raise ConfigError(f"there is no record `{name}`{nearest(name, known)}", remedy="`ringfence drill list` shows them")
    return Chosen(
        records=tuple(one for one in records() if not names or one.id in names),
        twins=tuple(one for one in twins() if not names or one.id in names),
        renamed=renamed,
        only_told=only_told,
        notes=() if renamed is None else (f"under other names, seed {renamed}",),
    )


def play(
    names: Sequence[str],
    *,
    renamed: int | None = None,
    only_told: bool = False,
    directory: Path | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Report:
    """Play them.

    Raises:
        ConfigError: A name that nobody knows, or a directory that is not empty.
        UnavailableError: A process of the drill did not start, or did not answer.
        OSError: The directory cannot be used.
    """
    what = chosen(names, renamed=renamed, only_told=only_told)
    with folder(directory) as place:
        return run_to_its_end(drill(what, place, told))


class folder:
    """An empty folder for the length of the block: the one that is named, else one that is removed again."""

    def __init__(self, directory: Path | None) -> None:
        self._named = directory
        self._made: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Path:
        if self._named is None:
            # The path of a unix socket has to be short.
            self._made = tempfile.TemporaryDirectory(prefix="rf-drill-")
            return Path(self._made.name)
        self._named.mkdir(parents=True, exist_ok=True)
        if any(self._named.iterdir()):
            raise ConfigError(f"{self._named} is not empty", remedy="name another folder")
        return self._named

    def __exit__(self, *_: object) -> None:
        if self._made is not None:
            self._made.cleanup()
