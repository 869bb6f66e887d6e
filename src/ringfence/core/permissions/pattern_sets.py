"""Long lists of path patterns, held against many paths: what can be told by a name alone is told by one look."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache
from typing import Final

from ringfence.core.model.local import PathUse, Place
from ringfence.core.permissions.paths import Deep, Fit, Parts, ends_of, fit_parts, goes_below, name_of, strict_parts, tail

_CACHED: Final = 8192


class PatternSet:
    """Patterns of which any may fit."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._keyed: dict[str, list[Parts]] = {}
        """Patterns by a name that has to be in the path."""
        self._others: list[Parts] = []
        self._anchored: list[str] = []
        globs: list[str] = []
        for pattern in patterns:
            parts = name_of(pattern)
            if parts is None:
                self._anchored.append(pattern)
                continue
            self._others.append(parts)
            body = pattern.casefold()
            literal = next((_text(part) for part in parts if not isinstance(part, Deep) and _text(part) is not None), None)
            if len(parts) == 2 and literal is not None:
                self._names.add(literal)
            elif len(parts) == 2 and "\\" not in body and "/" not in body:
                globs.append(translate(body))
            elif literal is not None:
                self._keyed.setdefault(literal, []).append(parts)
            else:
                self._keyed.setdefault("", []).append(parts)
        self._globs = re.compile("|".join(globs)) if globs else None
        self._found = lru_cache(maxsize=_CACHED)(self._find)

    def fit(self, use: PathUse, place: Place) -> Fit:
        """How much of what an act may touch is covered, at either end of a link."""
        return self._found(use, place)

    def _find(self, use: PathUse, place: Place) -> Fit:
        folders = (*place.roots, place.cwd)
        best = Fit.NONE
        for end in ends_of(use):
            is_real = end != use.path
            best = max(best, self._named(tail(end, folders), use, is_real=is_real))
            for pattern in self._anchored:
                for parts in strict_parts(pattern, "", place, ()):
                    best = max(best, fit_parts(parts, end, use, is_real=is_real, is_lenient=True))
            if best is Fit.ALL:
                break
        return best

    def _named(self, end: str, use: PathUse, *, is_real: bool) -> Fit:
        if goes_below(use) or (use.is_pattern and not is_real):
            found = (fit_parts(parts, end, use, is_real=is_real, is_lenient=True) for parts in self._others)
            return max(found, default=Fit.NONE)
        components = [part for part in end.casefold().split("/") if part]
        if not self._names.isdisjoint(components):
            return Fit.ALL
        if self._globs is not None and any(self._globs.match(part) for part in components):
            return Fit.ALL
        tried = [parts for key in {"", *components} for parts in self._keyed.get(key, ())]
        return max((fit_parts(parts, end, use) for parts in tried), default=Fit.NONE)


@lru_cache(maxsize=256)
def pattern_set(patterns: tuple[str, ...]) -> PatternSet:
    """The same set for the same patterns."""
    return PatternSet(patterns)


def _text(part: object) -> str | None:
    return "".join(part) if isinstance(part, tuple) and all(isinstance(token, str) for token in part) else None
