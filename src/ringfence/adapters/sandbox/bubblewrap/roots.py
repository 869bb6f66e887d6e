"""What a box shows of the machine: `/usr` and the links into it. Never `/home`, `/root`, `/run`, `/var` or all of `/etc`."""

from __future__ import annotations

import os
from collections.abc import Sequence
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


def refuse_hidden(paths: Sequence[str], hidden: Sequence[str]) -> None:
    """Raises UnavailableError where one of the paths would show something hidden, or a part of it. Links are followed."""
    for path in map(os.path.realpath, paths):
        for secret in map(os.path.realpath, hidden):
            if path == "/" or _below(secret, [path]) or _below(path, [secret]):
                raise UnavailableError(
                    f"a box that has {path} would have {secret}, which no box may see",
                    remedy="work on a clone (--repo), or keep the state directory elsewhere (`ringfence up --state DIR`)",
                )


def refuse_led_away(shown: Sequence[str], written: Sequence[str]) -> None:
    """Raises UnavailableError where a path lies in a folder that boxes write, and links out of it.

    A box before this one may have made the link, and would show the next one whatever it likes.
    """
    for path in shown:
        real = os.path.realpath(path)
        for folder in map(os.path.normpath, written):
            if path != folder and _below(path, [folder]) and not _below(real, [os.path.realpath(folder)]):
                raise UnavailableError(
                    f"{path} lies in {folder}, which a box may write, and leads to {real}",
                    remedy=f"remove the link, or show {real} itself",
                )


def _below(path: str, tops: Sequence[str]) -> bool:
    return any(path == top or path.startswith(top + "/") for top in tops)


def hidden_here() -> list[str]:
    """What `/proc` of a box would tell of the user that made it: the keys of that user, by name."""
    return [path for path in ("/proc/keys", "/proc/key-users") if Path(path).exists()]
