"""Path rules in gitignore syntax, with the anchors of Claude Code, held against what an act does with a path.

On the strict side a rule fits if anything that the act may touch is covered: at either end of a link, in any letter case, for
every way in which the pattern may be anchored. On the allowing side it fits if everything is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import IntEnum
from functools import lru_cache
from typing import Final

from ringfence.core.model.local import PathUse, Place, Use
from ringfence.core.model.permissions import PermissionRule
from ringfence.core.permissions.globs import MANY, BadPattern, Token, literal, meet, tokens_of

_WILD: Final = "*?["
_MOST_PARTS: Final = 400
"""Components of a path. One with more is longer than a system takes."""


class Deep:
    """Any number of components."""


DEEP: Final = Deep()
Part = tuple[Token, ...] | Deep
Parts = tuple[Part, ...]


class Fit(IntEnum):
    """How much of what an act may touch a rule covers."""

    NONE = 0
    SOME = 1
    """Something below the path, or something that the path may turn out to be."""
    ALL = 2


def path_fault(pattern: str) -> tuple[int, str] | None:
    """What is wrong with a pattern and after how many characters; None: nothing."""
    text = pattern.strip()
    if text.startswith("!"):
        return 0, "expected no `!`: a rule names paths, and no rule takes any away"
    if not text.strip("/."):
        return None if text in ("/", "//", ".", "./") else (0, "expected a path inside the project, or one with `//` before it")
    if any(part == ".." for part in text.split("/")):
        return text.index(".."), "expected a path without `..`: begin with `//` for the root of the file system"
    offset = 0
    for part in text.split("/"):
        try:
            tokens_of(part)
        except BadPattern as bad:
            return offset + bad.offset, str(bad)
        offset += len(part) + 1
    return None


def fit(rule: PermissionRule, use: PathUse, place: Place, directories: tuple[str, ...] = ()) -> Fit:
    """How a deny or ask rule fits."""
    best = _fit(rule, use, place, directories)
    if best is Fit.NONE and _fills(rule, use):
        base = _fit(replace(rule, pattern=rule.pattern[:-3]), use, place, directories)
        return Fit.SOME if base is Fit.ALL else Fit.NONE
    return best


def _fit(rule: PermissionRule, use: PathUse, place: Place, directories: tuple[str, ...]) -> Fit:
    name = name_of(rule.pattern)
    if name is not None:
        folders = (*place.roots, *directories, place.cwd)
        return max(fit_parts(name, tail(end, folders), use, is_real=end != use.path) for end in ends_of(use))
    anchored = strict_parts(rule.pattern, rule.anchor, place, directories)
    return max(
        (fit_parts(parts, end, use, is_real=end != use.path) for parts in anchored for end in ends_of(use)), default=Fit.NONE
    )


def _fills(rule: PermissionRule, use: PathUse) -> bool:
    """Whether a folder is written, and the rule is for all below a folder: who is given one writes files in it."""
    is_of_a_folder = rule.pattern.endswith("/**") and rule.pattern[:-3].strip("./*") != ""
    return use.use is Use.WRITE and is_of_a_folder and (use.is_folder or not use.is_there)


def covers(rule: PermissionRule, use: PathUse, place: Place, directories: tuple[str, ...] = ()) -> bool:
    """Whether an allow rule covers all that the use may be."""
    anchored = allowing_parts(rule.pattern, rule.anchor, place, directories)
    if use.real and use.real != use.path and not _covered(anchored, use.real, use, place):
        return False
    if use.real and not is_inside(use.path, (*place.roots, *directories)):
        return _covered(anchored, use.real, use, place)
    return _covered(anchored, use.path, use, place)


def surely_inside(use: PathUse, folders: Iterable[str], place: Place) -> bool:
    """Whether all that a use may touch lies in one of these folders, wherever links lead."""
    end = use.real or use.path
    if not (use.is_pattern and end == use.path):
        return is_inside(end, folders)
    parts = _parts_of_path(end, is_pattern=True, folds=place.ignores_case)
    anchored = [_below(folder, "**", folds=place.ignores_case) for folder in folders]
    return any(_surely(rule, parts, use) for rule in anchored)


def is_inside(path: str, folders: Iterable[str]) -> bool:
    """Whether a path is one of these folders or lies below one."""
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def ends_of(use: PathUse) -> tuple[str, ...]:
    """The path as it is named, and as it really is."""
    return (use.path, use.real) if use.real and use.real != use.path else (use.path,)


@lru_cache(maxsize=4096)
def tail(path: str, folders: tuple[str, ...]) -> str:
    """What of a path lies below the project: folders that the project lies in are no names of its files."""
    held = max((folder for folder in folders if is_inside(path, (folder,))), key=len, default="")
    return path[len(held) :]


@lru_cache(maxsize=4096)
def name_of(pattern: str) -> Parts | None:
    """A pattern that counts at any depth on the strict side: a name, a folder with all below it, or one after `**/`."""
    text = pattern.casefold()
    segments = text.rstrip("/").split("/")
    if text.startswith(("/", "./", "~")) or not (len(segments) == 1 or segments[1:] == ["**"] or segments[0] == "**"):
        return None
    parts = _parts(text)
    return parts if parts[0] is DEEP else (DEEP, *parts)


def goes_below(use: PathUse) -> bool:
    """Whether what lies below the path is touched too: a file that is there has nothing below it."""
    return use.below and (use.is_folder or not use.is_there)


def fit_parts(rule: Parts, end: str, use: PathUse, *, is_real: bool = False, is_lenient: bool = False) -> Fit:
    """How a pattern fits one path. `is_lenient`: two patterns that some name fits are none that meet."""
    parts = _parts_of_path(end, use.is_pattern and not is_real)
    reached, is_covered, is_sure = _walk(rule, parts, is_lenient=is_lenient)
    if is_covered:
        return Fit.ALL if is_sure else Fit.SOME
    if goes_below(use) and reached:
        rest = [rule[at:] for at in reached]
        return Fit.ALL if any(part in ((DEEP,), ((MANY,),)) for part in rest) else Fit.SOME
    return Fit.NONE


def _walk(rule: Parts, path: Parts, *, is_lenient: bool) -> tuple[set[int], bool, bool]:
    """Positions of the rule after all of the path; whether it covers the path; whether it surely does."""
    reached = _closed(rule, {0})
    is_sure = True
    for part in path:
        if len(rule) in reached:
            return reached, True, is_sure
        if isinstance(part, Deep):
            return set(range(min(reached), len(rule))), True, False
        following: set[int] = set()
        for at in reached:
            mine = rule[at]
            if isinstance(mine, Deep):
                following |= {at, at + 1} if at + 1 == len(rule) else {at}
            elif _meets(mine, part, is_lenient=is_lenient):
                following.add(at + 1)
        is_sure = is_sure and all(isinstance(token, str) for token in part)
        reached = _closed(rule, following)
        if not reached:
            return set(), False, is_sure
    return reached - {len(rule)}, len(rule) in reached, is_sure


def _meets(mine: tuple[Token, ...], part: tuple[Token, ...], *, is_lenient: bool) -> bool:
    """Whether a name fits both. What a shell puts in the place of `*` begins with no dot."""
    if part[:1] and not isinstance(part[0], str) and mine[:1] == (".",):
        return False
    if is_lenient and not all(isinstance(token, str) for token in (*mine, *part)):
        is_both = not all(isinstance(token, str) for token in mine) and not all(isinstance(token, str) for token in part)
        return not is_both and meet(mine, part)
    return meet(mine, part)


def _closed(rule: Parts, reached: set[int]) -> set[int]:
    """With what follows where `**` stands for nothing. At the end of a rule it stands for something."""
    closed = set(reached)
    for at in sorted(reached):
        here = at
        while here + 1 < len(rule) and rule[here] is DEEP:
            here += 1
            closed.add(here)
    return closed


def _covered(anchored: Iterable[Parts], end: str, use: PathUse, place: Place) -> bool:
    parts = _parts_of_path(end, use.is_pattern and end == use.path, folds=place.ignores_case)
    return any(_surely(rule, parts, use) for rule in anchored)


def _surely(rule: Parts, path: Parts, use: PathUse) -> bool:
    reached = _closed(rule, {0})
    for part in path:
        if len(rule) in reached:
            return True
        if isinstance(part, Deep) or part[:2] == (".", MANY):  # `.*` may be `..`
            return False
        is_wild = any(not isinstance(token, str) for token in part)
        following: set[int] = set()
        for at in reached:
            mine = rule[at]
            if isinstance(mine, Deep):
                following |= {at, at + 1} if at + 1 == len(rule) else {at}
            elif mine == (MANY,) or (not is_wild and meet(mine, part)) or mine == part:
                following.add(at + 1)
        reached = _closed(rule, following)
        if not reached:
            return False
    if len(rule) in reached:
        return True
    # A folder that is touched with all below it: a rule on all below it will do.
    return goes_below(use) and any(rule[at:] in ((DEEP,), ((MANY,),)) for at in reached)


def _parts_of_path(path: str, is_pattern: bool, *, folds: bool = True) -> Parts:
    text = path.casefold() if folds else path
    made: list[Part] = []
    for part in text.split("/"):
        if not part:
            continue
        if len(made) == _MOST_PARTS:
            made.append(DEEP)
            break
        if not is_pattern or not any(mark in part for mark in _WILD):
            made.append(literal(part))
        elif "**" in part:
            made.append(DEEP)
        else:
            made.append(_lenient(part))
    return tuple(made)


def _lenient(part: str) -> tuple[Token, ...]:
    try:
        return tokens_of(part)
    except BadPattern:
        return (MANY,)


@lru_cache(maxsize=4096)
def strict_parts(pattern: str, anchor: str, place: Place, directories: tuple[str, ...]) -> tuple[Parts, ...]:
    """Every way in which the pattern of a deny or ask rule may be anchored, from the root of the file system; of no name."""
    text = pattern.casefold()
    project = (*place.roots, *directories, place.cwd)
    if text.startswith("//"):
        return (_parts(text[2:]),)
    if text.startswith("~/") or text == "~":
        return (_below(place.home, text[2:]),) if place.home else ((DEEP, *_parts(text[2:])),)
    if text.startswith("/"):
        return tuple(_below(folder, text[1:]) for folder in ([anchor] if anchor else place.roots[:1] or (place.cwd,)))
    return tuple(_below(folder, text.removeprefix("./")) for folder in project)


@lru_cache(maxsize=4096)
def allowing_parts(pattern: str, anchor: str, place: Place, directories: tuple[str, ...]) -> tuple[Parts, ...]:
    """What an allow rule's pattern surely means. Names count at any depth of the project; `src/**` only where it is written."""
    folds = place.ignores_case
    text = pattern.casefold() if folds else pattern
    first = place.roots[:1] or (place.cwd,)
    if text.startswith("//"):
        return (_parts(text[2:]),)
    if text.startswith("~/") or text == "~":
        return (_below(place.home, text[2:], folds=folds),) if place.home else ()
    if text.startswith("/"):
        return tuple(_below(folder, text[1:], folds=folds) for folder in ([anchor] if anchor else first))
    body = text.removeprefix("./")
    if not text.startswith("./") and len(body.rstrip("/").split("/")) == 1:
        return tuple(_below(folder, body, deep=True, folds=folds) for folder in (*(place.roots or (place.cwd,)), *directories))
    return tuple(_below(folder, body, folds=folds) for folder in first)


def _below(folder: str, body: str, *, deep: bool = False, folds: bool = True) -> Parts:
    above = tuple(literal(part.casefold() if folds else part) for part in folder.split("/") if part)
    return (*above, *((DEEP,) if deep else ()), *_parts(body))


@lru_cache(maxsize=4096)
def _parts(body: str) -> Parts:
    made: list[Part] = []
    for part in body.split("/"):
        if part in ("", "."):
            continue
        if part == "**":
            if not made or made[-1] is not DEEP:
                made.append(DEEP)
        else:
            made.append(tokens_of(part))
    return tuple(made) or (DEEP,)
