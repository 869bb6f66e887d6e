"""Keys that another parser, and names that a reader, could take for a known one.

Some JSON decoders fold case, fold compatibility characters or stop at a NUL when they match a key (CVE-2026-27896,
GHSA-q382-vc8q-7jhj), so `Name`, `name` with a trailing U+0000, or `params` with U+017F for its last letter reach a field that
the decision never saw. Pure.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, cast
from unicodedata import category, normalize

_MOST_COMPOSED = 4
"""Code points that NFKC can merge into one: no canonical decomposition of one character is longer."""
_MOST_FOLDED = 1000
_LEAVES = frozenset({str, int, float, bool, type(None)})


def confusable(key: str, known: Collection[str]) -> str | None:
    """The known key that `key` matches after removing trailing NULs, NFKC and case folding, though it is not identical.

    None for a key that is itself known, and for one that resembles none.
    """
    if key in known or not known:
        return None
    bare = key.rstrip("\0")
    # Normalising takes quadratic time on long runs of combining marks; a key this long can fold to none of the known ones.
    if len(bare) > _MOST_COMPOSED * max(len(_folded(name)) for name in known):
        return None
    folded = _fold(bare)
    return next((name for name in known if _folded(name) == folded), None)


def twins(value: Any) -> str | None:
    """A key, of any object in a JSON value, that another parser could take for a key beside it. None: there is none.

    Whatever names a member by its path (a bound, a profile, a policy, an argument that is fixed or hidden) means the one, and
    a server may read the other.
    """
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        kind: type[Any] = type(item)
        if kind in _LEAVES:
            continue
        if kind is dict or isinstance(item, Mapping):
            known = cast("Mapping[str, Any]", item)
            if len(known) > 1 and (twin := _twin(known)) is not None:
                return twin
            stack.extend(known.values())
        elif isinstance(item, list | tuple):
            stack.extend(cast("list[Any]", item))
    return None


def _twin(known: Mapping[str, Any]) -> str | None:
    together = "".join(known)
    if together.isascii() and "\0" not in together and len({key.lower() for key in known}) == len(known):
        return None  # as nearly always
    seen: set[str] = set()
    for key in known:
        # A long key is nobody's twin that a path could name, and normalising it may take quadratic time.
        fold = _fold(key.rstrip("\0")) if key.isascii() or len(key) <= _MOST_FOLDED else key
        if fold in seen:
            return key
        seen.add(fold)
    return None


def folded(name: str) -> str:
    """What a careless reader sees of a name: NFKC, case folded, zero-width and other format characters gone."""
    normal = normalize("NFKC", normalize("NFKC", name).casefold())
    return "".join(char for char in normal if category(char) != "Cf")


def _fold(key: str) -> str:
    return key.lower() if key.isascii() else normalize("NFKC", key).casefold()


@lru_cache(maxsize=4096)
def _folded(name: str) -> str:
    """The fold of a known name. Only names from configuration and pinned schemas come here, never a caller's key."""
    return _fold(name.rstrip("\0"))
