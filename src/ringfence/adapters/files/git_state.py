"""What git says of one file: committed as it is, changed, or not known to it.

The repository is somebody's: nothing of its configuration may run a program. `status` and `diff` would run filters and monitors
that `.git/config` names, so the file's blob is compared with the commit's by their names, which git works out without either.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ringfence.core.model.local import Tracked

GIT: Final = "/usr/bin/git"
WITHIN_S: Final = 2.0
MOST_BYTES: Final = 8 << 20
MOST_SAID: Final = 16 << 20
_FIXED: Final = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.allow=never",
    "-c",
    "core.alternateRefsCommand=true",
    # The repository is another user's where the gateway has one of its own. What git guards against there, programs that the
    # repository names, is off.
    "-c",
    "safe.directory=*",
)
_ENVIRONMENT: Final = {
    "PATH": os.defpath,
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "",
}


async def tracked(path: str) -> Tracked:
    """How a file stands to the repository around it. What cannot be found out is UNKNOWN."""
    folder, name = os.path.split(path)
    said = await git(folder, "ls-tree", "-z", "HEAD", "--", name)
    if said is None:
        return Tracked.UNKNOWN
    if not said:
        # What was added and not yet committed is known to git: a search of it looks there too.
        added = await git(folder, "ls-files", "-z", "--cached", "--", name)
        return Tracked.UNKNOWN if added is None else Tracked.CHANGED if added else Tracked.UNTRACKED
    head, _, _ = said.partition(b"\t")
    parts = head.split()
    if len(parts) != 3:
        return Tracked.UNKNOWN
    _, kind, blob = parts
    if kind != b"blob":
        return Tracked.UNKNOWN
    ours = await asyncio.to_thread(_blob, path, len(blob))
    return Tracked.CLEAN if ours == blob.decode("ascii", "replace") else Tracked.CHANGED


async def uncommitted(folder: str, most: int) -> Sequence[str] | None:
    """Files around a folder that are not committed as they are. Only times are compared: contents would pass filters."""
    root = await git(folder, "rev-parse", "--show-toplevel")
    if root is None:
        return None
    top = root.decode("utf-8", "surrogateescape").rstrip("\n")
    said = await asyncio.gather(
        git(top, "diff-files", "--name-only", "-z"),
        git(top, "ls-files", "-z", "--others", "--exclude-standard"),
        git(top, "diff-index", "--cached", "--name-only", "-z", "--no-renames", "HEAD"),
    )
    changed, new, taken = said
    if changed is None or new is None:
        return None
    if taken is None:  # there is no commit yet: all that is taken up
        taken = await git(top, "ls-files", "-z")
    names = {name for one in (changed, new, taken or b"") for name in one.split(b"\0") if name}
    if len(names) > most:
        return None
    return sorted(os.path.join(top, name.decode("utf-8", "surrogateescape")) for name in names)


def _blob(path: str, digits: int) -> str | None:
    try:
        if not Path(path).is_file():
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (OSError, ValueError):
        return None
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode) or state.st_size > MOST_BYTES:
            return None
        body = file.read(MOST_BYTES + 1)
    digest = hashlib.sha256() if digits == 64 else hashlib.sha1(usedforsecurity=False)
    digest.update(b"blob %d\0" % len(body) + body)
    return digest.hexdigest()


async def git(folder: str, *arguments: str, given: bytes = b"", most: int = MOST_SAID) -> bytes | None:
    """What git says in a folder, with nothing of the repository run. `given` is its input.

    None: it failed, took too long, or said more than `most` bytes.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            GIT,
            "--no-replace-objects",
            "--literal-pathspecs",
            *_FIXED,
            *arguments,
            cwd=folder,
            env=_ENVIRONMENT,
            stdin=asyncio.subprocess.PIPE if given else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except (OSError, ValueError):
        return None
    try:
        out, _ = await asyncio.wait_for(asyncio.gather(_at_most(process, most), _fed(process, given)), WITHIN_S)
        if out is not None:
            await asyncio.wait_for(process.wait(), WITHIN_S)
    except TimeoutError:
        out = None
    finally:
        # Whoever asked may have gone away: then too nothing of it goes on.
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return out if process.returncode == 0 else None


async def _at_most(process: asyncio.subprocess.Process, most: int) -> bytes | None:
    assert process.stdout is not None  # INVARIANT: it is a pipe
    pieces: list[bytes] = []
    size = 0
    while piece := await process.stdout.read(1 << 16):
        size += len(piece)
        if size > most:
            return None
        pieces.append(piece)
    return b"".join(pieces)


async def _fed(process: asyncio.subprocess.Process, given: bytes) -> None:
    if process.stdin is not None:
        process.stdin.write(given)
        with suppress(ConnectionError):
            await process.stdin.drain()
        process.stdin.close()
