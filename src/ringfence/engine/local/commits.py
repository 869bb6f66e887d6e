"""What a commit would take up: files that nobody named, because `git add -A` means all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from ringfence.core.commands.paths import is_below
from ringfence.core.model.local import Doubt, LocalAct, PathUse, Undecided, Use
from ringfence.engine.local.git_words import command_at, folder_of, is_one
from ringfence.ports.files import Files

MOST_FILES: Final = 2_000
MOST_NAMED: Final = 50
"""Guarded files of one commit that are named."""
MOST_TAKEN: Final = 500
"""Files of one call's commits that are scanned."""
_EVERYTHING: Final = frozenset({".", "./", ":/", "*"})
_TAKES_ALL: Final = ("--all", "--update", "--no-ignore-removal", "--pathspec-from-file")
_LETTERS: Final = frozenset("aAu")


def takes_up(act: LocalAct) -> bool:
    """Whether it puts files into the repository."""
    at = command_at(act.words)
    return at is not None and act.words[at] in ("add", "commit", "stage")


async def with_uncommitted(
    acts: Sequence[LocalAct], cwds: Sequence[str | None], files: Files, guarded: Callable[[str], bool] | None
) -> tuple[tuple[LocalAct, ...], tuple[str, ...]]:
    """The acts with the guarded files among those that they take up, and files whose contents would be committed."""
    made: list[LocalAct] = []
    taken: list[str] = []
    for act, cwd in zip(acts, cwds, strict=True):
        if not takes_up(act):
            made.append(act)
            continue
        named = [use for use in act.paths if use.use is Use.READ]
        taken.extend(use.real for use in named if use.is_there and not use.is_folder)
        at = command_at(act.words) or 0
        is_commit = act.words[at] == "commit"
        is_all = any(_takes_all(word) for word in act.words[at + 1 :])
        folders = [use.real for use in named if use.is_folder]
        if cwd is None or not (is_all or folders or is_commit):
            made.append(act)
            continue
        pending = await files.uncommitted(folder_of(act.words[1:at], cwd) or cwd, MOST_FILES)
        if pending is None:
            made.append(_doubted(act, "nobody can say which files it takes up") if is_all or folders else act)
            continue
        meant = [path for path in pending if is_all or is_commit or any(is_below(path, one) for one in folders)]
        taken.extend(meant)
        seen = act if len(set(taken)) <= MOST_TAKEN else _doubted(act, "it takes up more files than are scanned")
        made.append(_guarded(seen, meant, guarded, cwd) if is_all or folders else seen)
    return tuple(made), tuple(dict.fromkeys(taken))[:MOST_TAKEN]


def _doubted(act: LocalAct, why: str) -> LocalAct:
    return replace(act, doubts=(*act.doubts, Doubt(Undecided.PATH, why)))


def _takes_all(word: str) -> bool:
    if word.startswith("--"):
        return is_one(word.partition("=")[0], _TAKES_ALL)
    return word in _EVERYTHING or (word.startswith("-") and not _LETTERS.isdisjoint(word))


def _guarded(act: LocalAct, meant: Sequence[str], guarded: Callable[[str], bool] | None, cwd: str) -> LocalAct:
    if guarded is None:
        return act
    uses = [PathUse(use=Use.READ, path=path, real=path, is_there=True, through=cwd) for path in meant if guarded(path)]
    if len(uses) > MOST_NAMED:
        return _doubted(act, "it takes up more guarded files than are named")
    return replace(act, paths=(*act.paths, *uses))
