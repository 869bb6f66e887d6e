"""The judgement of what a clone wants to hand over: every commit, not only where they end.

A path that one commit adds and a later one takes away was there for whoever checks the first one out, so it counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ringfence.core.export.names import components, fault_in
from ringfence.core.export.protected import Protected
from ringfence.core.export.raw import GONE, Change

MIB: Final = 1 << 20
FILE_MODES: Final = frozenset({"100644", "100755"})
KINDS: Final = {"120000": "a symbolic link", "160000": "a submodule", "040000": "a folder"}
_POINTER: Final = 15
"""Characters that a card needs for each path besides its own."""
MOST_FAULTS: Final = 20
"""That are told; one is enough to refuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much may leave at once."""

    bundle: int = 16 * MIB
    """Bytes."""
    blob: int = 2 * MIB
    paths: int = 500
    commits: int = 1000
    readable: int = 8_500
    """Characters of protected paths: more of them do not fit on the card that a person reads."""


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    NEEDS_PERSON = "needs_person"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The commits between base and head, as git told of them."""

    base: str
    head: str
    parents: Mapping[str, Sequence[str]]
    """Of each commit that is not in the base."""
    follows_base: bool
    """Whether the base is an ancestor of the head."""
    changes: Sequence[Change]
    sizes: Mapping[str, int]
    """Of each blob that a change names, in bytes; one that is missing here is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What comes of it."""

    verdict: Verdict
    commits: int = 0
    paths: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def refused(*faults: str, commits: int = 0) -> Judged:
    return Judged(verdict=Verdict.REFUSED, faults=faults[:MOST_FAULTS], commits=commits)


def judge(history: History, protected: Protected, bounds: Bounds) -> Judged:
    """Total: the same history gets the same answer."""
    commits = len(history.parents)
    faults = [*_faults_of_history(history, bounds)]
    paths: dict[str, None] = {}
    for change in history.changes:
        if fault := fault_in(change.path):
            faults.append(f"{fault}: {shown(change.path)} in {change.commit[:12]}")
            continue
        paths[change.path.decode()] = None
        faults.extend(_faults_of_content(change, history.sizes, bounds))
    if len(paths) > bounds.paths:
        faults.append(f"{len(paths)} paths, more than {bounds.paths}")
    faults.extend(_collisions(history.changes))
    if faults:
        return refused(*dict.fromkeys(faults), commits=commits)
    touched = tuple(sorted(path for path in paths if protected.covers(path)))
    if sum(len(path) + _POINTER for path in touched) > bounds.readable:
        return refused(f"{len(touched)} protected paths, more than a person can be shown at once", commits=commits)
    return Judged(
        verdict=Verdict.NEEDS_PERSON if touched else Verdict.ACCEPTED,
        commits=commits,
        paths=tuple(sorted(paths)),
        protected=touched,
    )


def shown(path: bytes) -> str:
    """A path for a person, whatever is in it."""
    return ascii(path[:120].decode("utf-8", "backslashreplace"))


def _faults_of_history(history: History, bounds: Bounds) -> list[str]:
    if not history.follows_base:
        return ["the history does not go on from where the clone began"]
    if len(history.parents) > bounds.commits:
        return [f"{len(history.parents)} commits, more than {bounds.commits}"]
    return [f"commit {commit[:12]} has a history of its own" for commit, parents in history.parents.items() if not parents]


def _faults_of_content(change: Change, sizes: Mapping[str, int], bounds: Bounds) -> list[str]:
    if change.mode == GONE:
        return []
    place = f"{shown(change.path)} in {change.commit[:12]}"
    if change.mode not in FILE_MODES:
        return [f"{KINDS.get(change.mode, f'mode {change.mode}')}: {place}"]
    size = sizes.get(change.blob)
    if size is None:
        return [f"no file's content: {place}"]
    return [f"{size} bytes, more than {bounds.blob}: {place}"] if size > bounds.blob else []


def _collisions(changes: Sequence[Change]) -> list[str]:
    """Two files of one commit that a file system takes for one."""
    first: dict[tuple[str, tuple[str, ...]], bytes] = {}
    found: list[str] = []
    for change in changes:
        if change.mode != GONE and not fault_in(change.path):
            key = (change.commit, components(change.path.decode()))
            if first.setdefault(key, change.path) != change.path:
                found.append(f"two names for one file: {shown(first[key])} and {shown(change.path)} in {change.commit[:12]}")
    return found
