"""What a rule against `rm` is there for is removal, whichever verb does it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from ringfence.core.model.local import LocalAct, PathUse, Place, Use
from ringfence.core.model.permissions import PermissionRule, Speaks
from ringfence.core.model.verdict import Level
from ringfence.core.permissions.commands import collapsed
from ringfence.core.permissions.paths import is_inside

_REMOVERS: Final = frozenset({"rm", "rmdir", "unlink", "shred", "srm", "trash", "del"})
_CLEAR: Final = frozenset({"rm", "rmdir", "unlink", "shred", "srm", "find", "fd", "git", "rsync"})
"""Those that remove where they are said to: nothing about it is a guess."""


def is_about_removal(rule: PermissionRule) -> bool:
    """Whether a rule is about `rm` of whatever: `rm`, `rm *`, `rm -rf *`."""
    return rule.speaks is Speaks.COMMAND and _removes(rule.pattern)


@lru_cache(maxsize=4096)
def _removes(pattern: str) -> bool:
    words = collapsed(pattern.removesuffix(":*")).split(" ")
    name = words[0].rstrip("*").rpartition("/")[2]
    return name in _REMOVERS and all(word == "*" or word.startswith("-") for word in words[1:])


def removal(act: LocalAct, place: Place, directories: tuple[str, ...], level: Level) -> tuple[Level, str]:
    """What such a rule makes of another command, and why; `allow` where it removes nothing."""
    gone = [use for use in act.paths if _is_removed(use, act, place, directories)]
    if not gone:
        return Level.ALLOW, ""
    name = act.words[0].rpartition("/")[2] if act.words else ""
    is_clear = name in _CLEAR and not act.doubts
    return (level if is_clear else min(level, Level.ASK)), f"it removes {gone[0].path} as `rm` would"


def _is_removed(use: PathUse, act: LocalAct, place: Place, directories: tuple[str, ...]) -> bool:
    if use.use is Use.WRITE:
        return use.empties and use.is_there
    if use.use is not Use.DELETE:
        return False
    if not use.moved_to:
        return True
    # A file that has another place in the project is still there. A folder takes everything in it along, but not from git.
    stays = is_inside(use.moved_to, (*place.roots, *directories))
    is_kept = stays and act.words[:2] == ("git", "mv")
    return not is_kept and (use.is_folder or use.is_pattern or not stays)
