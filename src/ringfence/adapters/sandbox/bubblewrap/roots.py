"""What a box shows of the machine: `/usr` and the links into it. Never `/home`, `/root`, `/run`, `/var` or all of `/etc`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.adapters.sandbox.bubblewrap.argv import Root
from ringfence.adapters.sandbox.bubblewrap.etc import HOST_PATHS
from ringfence.errors import UnavailableError

TOP = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
MADE = ("/", "/etc", "/tmp", "/usr", *TOP)
"""Made for the box, or shown already. What lies below `/etc` and `/tmp` may be shown."""
KERNEL = ("/proc", "/sys", "/dev", "/work")


def roots_here() -> list[Root]:
    """`/usr`, what stands beside it on this distribution, and the two paths of `/etc` that programs need to start."""
    found = [Root(path="/usr")]
    for top in TOP:
        if os.path.islink(top):
            found.append(Root(path=top, target=os.readlink(top)))
        elif os.path.isdir(top):
            found.append(Root(path=top))
    return found


def host_etc() -> list[str]:
    return [path for path in HOST_PATHS if os.path.exists(path)]


def shown_paths(shows: Sequence[str]) -> list[str]:
    """Raises UnavailableError for a path that is not there, or that no box may be shown."""
    for path in shows:
        if not path.startswith("/") or os.path.normpath(path) != path or path in MADE or _below(path, KERNEL):
            raise UnavailableError(f"a box cannot be shown {path}", remedy=f"name an absolute path outside {', '.join(KERNEL)}")
        if not Path(path).exists():
            raise UnavailableError(f"{path} is to be shown in the box and is not there")
    return list(shows)


@dataclass(frozen=True, slots=True)
class Seen:
    """A path of the host, as it was when somebody looked."""

    path: str
    real: str
    """Where it led."""
    identity: tuple[int, int]
    """Device and inode."""


def seen(path: str) -> Seen:
    """What a path leads to, by one look that nobody can come between. Raises UnavailableError where nothing is there."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        raise UnavailableError(f"{path} is to be part of the box: {error.strerror}") from error
    try:
        found = os.fstat(descriptor)
        return Seen(path, os.readlink(f"/proc/self/fd/{descriptor}"), (found.st_dev, found.st_ino))
    finally:
        os.close(descriptor)


def refuse_hidden(looked_at: Sequence[Seen], hidden: Sequence[str]) -> None:
    """Raises UnavailableError where one of the paths would show something hidden, or a part of it. Links are followed."""
    for path in (each.real for each in looked_at):
        for secret in map(os.path.realpath, hidden):
            if path == "/" or _below(secret, [path]) or _below(path, [secret]):
                raise UnavailableError(
                    f"a box that has {path} would have {secret}, which no box may see",
                    remedy="work on a clone (--repo), or keep the state directory elsewhere (`ringfence up --state DIR`)",
                )


def refuse_led_away(shown: Sequence[Seen], written: Sequence[Seen]) -> None:
    """Raises UnavailableError where a path lies in a folder that boxes write, and links out of it.

    A box before this one may have made the link, and would show the next one whatever it likes.
    """
    for each in shown:
        for folder in written:
            top = os.path.normpath(folder.path)
            if each.path != top and _below(each.path, [top]) and not _below(each.real, [folder.real]):
                raise UnavailableError(
                    f"{each.path} lies in {top}, which a box may write, and leads to {each.real}",
                    remedy=f"remove the link, or show {each.real} itself",
                )


def _below(path: str, tops: Sequence[str]) -> bool:
    return any(path == top or path.startswith(top + "/") for top in tops)


def hidden_here() -> list[str]:
    """What `/proc` of a box would tell of the user that made it: the keys of that user, by name."""
    return [path for path in ("/proc/keys", "/proc/key-users") if Path(path).exists()]
