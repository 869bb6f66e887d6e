"""Keys that another parser, and names that a reader, could take for a known one.

Some JSON decoders fold case, fold compatibility characters or stop at a NUL when they match a key (CVE-2026-27896,
GHSA-q382-vc8q-7jhj), so `Name`, `name` with a trailing U+0000, or `params` with U+017F for its last letter reach a field that
the decision never saw. Pure.
"""

from collections.abc import Collection
from functools import lru_cache
from unicodedata import category, normalize

_MOST_COMPOSED = 4
"""Code points that NFKC can merge into one: no canonical decomposition of one character is longer."""


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
