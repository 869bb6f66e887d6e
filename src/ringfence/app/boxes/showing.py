"""What a server's box has to see of this machine, and whether it does: its program, its script, the folder it starts in.

Nothing is shown that was not asked for. A program that would not be found inside is refused here, in words that say what to
show; a shown path that would take the gateway's own files along is refused whatever the file says.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringfence.errors import UnavailableError

ALWAYS: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Shown in every box."""
SEARCHED: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where a program without a path is looked for: as in the box."""
GO_THERE: Final = ("/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh")
MOST_LINKS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What is asked for."""

    command: tuple[str, ...]
    folder: str
    """Where relative paths of the command start. Absolute."""
    starts_there: bool
    """Whether the command starts in that folder, and sees it."""
    shows: tuple[str, ...]
    writable: tuple[str, ...]
    hidden: Collection[str]
    """What no box may see: state, configuration, files with secrets."""
    by_others: bool
    """Whether the box has a user who is neither ours nor the owner of what is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What comes of it."""

    command: tuple[str, ...]
    shows: tuple[str, ...]


def showing(asked: Showing, environment: Mapping[str, str]) -> Shown:
    """The command as the box runs it, and all the paths that it sees besides. Raises UnavailableError."""
    own = (asked.folder,) if asked.starts_there and not _is_seen(asked.folder, (*asked.shows, *asked.writable)) else ()
    shows = tuple(os.path.normpath(path) for path in (*asked.shows, *own))
    for path in (*shows, *asked.writable):
        _refuse_hidden(path, asked.hidden)
        if asked.by_others:
            _refuse_unreadable(path)
    seen = (*ALWAYS, *shows, *asked.writable)
    program = _program(asked, environment)
    _refuse_unseen("program", program, seen)
    _refuse_unseen_interpreter(program, seen)
    arguments = asked.command[1:]
    if arguments and not arguments[0].startswith("-"):
        script = os.path.normpath(os.path.join(asked.folder, arguments[0]))
        if os.path.isfile(script) and ("/" in arguments[0] or asked.starts_there):
            _refuse_unseen("script", script, seen)
    command = (program, *arguments)
    return Shown(command=(*GO_THERE, asked.folder, *command) if asked.starts_there else command, shows=shows)


def _program(asked: Showing, environment: Mapping[str, str]) -> str:
    name = asked.command[0]
    if "/" in name:
        path = os.path.normpath(os.path.join(asked.folder, name))
        found = path if os.access(path, os.X_OK) else None
    else:
        found = shutil.which(name, path=environment.get("PATH", SEARCHED))
    if found is None:
        raise UnavailableError(f"the command {name} is not found: give its absolute path")
    return found


def _refuse_unseen(what: str, path: str, seen: Sequence[str]) -> None:
    """The path itself, and everything that it links to."""
    for hop in _hops(path):
        if not _is_seen(hop, seen):
            via = "" if hop == path else f" (behind {path})"
            raise UnavailableError(
                f"its {what} {hop}{via} is not visible in the box: add `{_enough(hop)}` to `box: shows:` of the server"
            )


def _refuse_unseen_interpreter(program: str, seen: Sequence[str]) -> None:
    try:
        with open(program, "rb") as file:
            first = file.readline(256)
    except OSError as error:
        raise UnavailableError(f"its program {program} cannot be read: {error.strerror}") from error
    words = first[2:].decode("utf-8", "replace").split() if first.startswith(b"#!") else []
    if words and words[0].startswith("/"):
        _refuse_unseen("interpreter", words[0], seen)


def _hops(path: str) -> list[str]:
    """A path, what it links to, and where it is in the end."""
    hops = [path]
    while os.path.islink(hops[-1]) and len(hops) < MOST_LINKS:
        hops.append(os.path.normpath(os.path.join(os.path.dirname(hops[-1]), os.readlink(hops[-1]))))
    return [*hops, os.path.realpath(path)]


def _is_seen(path: str, seen: Sequence[str]) -> bool:
    return any(path == top or path.startswith(f"{top}/") for top in seen)


def _enough(path: str) -> str:
    """The folder that has to be shown so that a program works, not only starts: its environment or its packages."""
    at = Path(path)
    if "node_modules" in at.parts:
        return str(Path(*at.parts[: at.parts.index("node_modules")]))
    if at.parent.name == "bin" and ((at.parent.parent / "pyvenv.cfg").exists() or (at.parent.parent / "lib").is_dir()):
        return str(at.parent.parent)
    return str(at.parent)


def _refuse_hidden(path: str, hidden: Collection[str]) -> None:
    real = os.path.realpath(path)
    for secret in map(os.path.realpath, hidden):
        if _is_seen(secret, (real,)) or _is_seen(real, (secret,)):
            raise UnavailableError(
                f"a box cannot be shown {path}: {secret} is the gateway's own; give the server a folder that does not hold it"
            )


def _refuse_unreadable(path: str) -> None:
    """Started by root, a box has a user of its own, who reads what everybody may."""
    for at in (*reversed(Path(path).parents), Path(path)):
        try:
            mode = at.stat().st_mode
        except OSError as error:
            raise UnavailableError(f"{path} is to be shown in the box: {error.strerror}") from error
        if not mode & 0o001 and (at != Path(path) or at.is_dir()):
            raise UnavailableError(f"{path} cannot be read by the user that boxes have: chmod o+rx {at}")
