"""Acts held against the file system: which files their paths really are."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from ringfence.core.commands.describing import Said
from ringfence.core.commands.kinds import KINDS
from ringfence.core.commands.strictest import joined
from ringfence.core.model.local import Doubt, LocalAct, PathUse, Place, Tracked, Undecided, Use
from ringfence.core.model.profile import Effect
from ringfence.core.permissions.protected_paths import RAIL_FOLDERS, rail_fit
from ringfence.ports.files import Files, Found

MOST_PATHS: Final = 2_000
"""Paths of one call that are looked at."""
MOST_BELOW: Final = 20_000
MOST_GUARDED: Final = 20
"""Guarded files below a folder that are named one by one; one would do to decide."""
MOST_TRACKED: Final = 4
"""Files that one act removes which git is asked about. Of more it is not asked: they count as lost."""
_OPEN: Final = "/dev/fd/"
"""What is open already: a process substitution, whose commands are acts of their own."""
_TO_ITSELF: Final = ("/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty")


async def looked_at(acts: Sequence[LocalAct], files: Files, guarded: Callable[[str], bool] | None) -> tuple[LocalAct, ...]:
    """The same acts with `real`, `is_there` and `is_folder` of their paths, and what follows from these."""
    wanted = [use.path for act in acts for use in act.paths if not use.is_pattern and not use.path.startswith(_OPEN)]
    asked = list(dict.fromkeys(wanted))[:MOST_PATHS]
    found = dict(zip(asked, await files.look(asked), strict=True))
    return tuple([await _seen(act, found, files, guarded) for act in acts])


def may_change_rails(said: Said, place: Place) -> Said:
    """In doubt where a word of a program that may write its words names what holds the run, and no profile says what it is."""
    if not said.guesses or said.act.words[:1] in (("git",), ("gh",)):
        return said
    known = {use.path for use in said.act.paths}
    for path in said.guesses:
        named = PathUse(use=Use.WRITE, path=path)
        if path not in known and (path.rpartition("/")[2].casefold() in RAIL_FOLDERS or rail_fit(named, place, ())):
            doubt = Doubt(Undecided.PATH, f"it may change what holds the run: {path[:200]}")
            return replace(said, act=replace(said.act, doubts=(*said.act.doubts, doubt)))
    return said


async def guessed(said: Sequence[Said], files: Files, guarded: Callable[[str], bool] | None) -> Sequence[Said]:
    """The same with words that turn out to name a guarded file as read: a program may do with its words what it likes.

    Of a program that only reads it is less sure, so that a person is asked.
    """
    asked = list(dict.fromkeys(path for one in said for path in (*one.guesses, *one.mentions)))[:MOST_PATHS]
    if guarded is None or not asked:
        return said
    found = {one.path: one.real for one in await files.look(asked) if one.is_there and not one.is_folder}
    meant = {path for path, real in found.items() if guarded(path) or guarded(real)}
    return [_with_reads(one, meant) for one in said] if meant else said


def _with_reads(said: Said, meant: Container[str]) -> Said:
    new = [
        path for path in (*said.guesses, *said.mentions) if path in meant and all(use.path != path for use in said.act.paths)
    ]
    uses = tuple(PathUse(use=Use.READ, path=path, through=path if path in said.mentions else "") for path in new)
    return replace(said, act=replace(said.act, paths=(*said.act.paths, *uses))) if uses else said


async def _seen(act: LocalAct, found: dict[str, Found], files: Files, guarded: Callable[[str], bool] | None) -> LocalAct:
    doubts = list(act.doubts)
    uses: list[PathUse] = []
    for use in act.paths:
        if use.path in _TO_ITSELF or use.path.startswith(_OPEN):
            continue
        there = found.get(use.path)
        if there is None:
            if not use.is_pattern:
                doubts.append(Doubt(Undecided.PATH, "more paths than are looked at"))
            uses.append(use)
            continue
        seen = _placed(use, there)
        uses.append(seen)
        if seen.below and seen.is_folder and seen.use in (Use.READ, Use.DELETE) and guarded is not None:
            inside = await files.below(seen.real, MOST_BELOW)
            if inside is None:
                doubts.append(Doubt(Undecided.PATH, f"{seen.path} holds more files than are looked through"))
            named = _guarded(seen, inside or (), guarded)
            # Of more than are named nobody knows whether git keeps them.
            passes_over = _looks_at_kept(act) and len(named) < MOST_GUARDED
            uses.extend([one for one in named if await _is_kept(one, files)] if passes_over else named)
    act = replace(act, paths=tuple(uses), doubts=tuple(doubts))
    return await _undone(act, files) if any(use.use is Use.DELETE for use in uses) else act


def _looks_at_kept(act: LocalAct) -> bool:
    """Whether of a folder it looks only at what git keeps."""
    is_git = act.words[:2] in (("git", "grep"), ("git", "archive"))
    return is_git and not any(word.startswith(("--no-i", "--u")) for word in act.words)


async def _is_kept(use: PathUse, files: Files) -> bool:
    return await files.tracked(use.path) is not Tracked.UNTRACKED


def _placed(use: PathUse, there: Found) -> PathUse:
    what = use.use
    if use.empties and what is Use.WRITE and there.is_there and there.size:
        what = Use.DELETE
    # Below a file there is nothing; below what is not there yet, only what will be written.
    below = use.below and (there.is_folder or (what is Use.WRITE and not there.is_there))
    return replace(use, use=what, real=there.real, is_there=there.is_there, is_folder=there.is_folder, below=below)


def _guarded(use: PathUse, inside: Sequence[str], guarded: Callable[[str], bool]) -> list[PathUse]:
    named: list[PathUse] = []
    for path in inside:
        if _is_meant(use, path) and guarded(path):
            named.append(PathUse(use=use.use, path=path, real=path, is_there=True, through=use.path))
            if len(named) >= MOST_GUARDED:
                break
    return named


def _is_meant(use: PathUse, path: str) -> bool:
    """Whether a file below a folder is one of those that are used: by its name, and not below a name that is passed over."""
    parts = path[len(use.real) :].strip("/").split("/")
    if any(fnmatchcase(part, pattern.strip("/")) for pattern in use.skips for part in parts):
        return False
    return not use.only or any(fnmatchcase(parts[-1], pattern) for pattern in use.only)


async def _undone(act: LocalAct, files: Files) -> LocalAct:
    """What is removed is lost, but for files that git has just as they are."""
    gone = [use for use in act.paths if use.use is Use.DELETE]
    lost = replace(act, profile=joined(act.profile, KINDS["deletes"].profile))
    if any(use.is_folder or use.is_pattern or use.below for use in gone) or len(gone) > MOST_TRACKED:
        unbounded = any(use.is_pattern or (use.is_folder and use.below) for use in gone)
        return replace(lost, profile=replace(lost.profile, bounded=lost.profile.bounded and not unbounded))
    for use in gone:
        if use.is_there and await files.tracked(use.real) is not Tracked.CLEAN:
            return lost
    is_lost_anyway = (
        not act.profile.reversible and act.profile.effect is Effect.WRITE and act.scope is not KINDS["deletes"].scope
    )
    return lost if is_lost_anyway else replace(lost, profile=replace(lost.profile, reversible=True))
