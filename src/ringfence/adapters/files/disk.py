"""The real file system, looked at in a thread: no call waits for a slow disk on the event loop, and nothing but a
regular file is opened."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from fnmatch import translate
from pathlib import Path
from typing import Final

from ringfence.adapters.files.git_outgoing import outgoing
from ringfence.adapters.files.git_state import tracked, uncommitted
from ringfence.core.model.local import Tracked
from ringfence.ports.files import Found, Outgoing

MOST_ENTRIES: Final = 50_000
"""Entries of folders that one question looks at."""
MOST_LINKS: Final = 40
_MAGIC: Final = re.compile(r"[*?\[]")


class DiskFiles:
    """`Files` on the disk of this machine. `ignores_case`: as macOS and Windows compare names."""

    def __init__(self, *, ignores_case: bool = False) -> None:
        self._ignores_case = ignores_case

    async def look(self, paths: Sequence[str]) -> Sequence[Found]:
        """What these paths are, in their order."""
        return await asyncio.to_thread(lambda: [_found(path) for path in paths]) if paths else []

    async def fitting(self, pattern: str, most: int) -> Sequence[str] | None:
        """Paths that fit, as bash would put them in."""
        return await asyncio.to_thread(self._fitting, pattern, most)

    async def below(self, folder: str, most: int) -> Sequence[str] | None:
        """Files below a folder, at any depth; links are not followed."""
        return await asyncio.to_thread(_below, folder, most)

    async def text(self, path: str, most: int) -> str | None:
        """A regular file's text."""
        return await asyncio.to_thread(_text, path, most)

    async def digest(self, path: str, most: int) -> str | None:
        """A regular file's SHA-256."""
        body = await asyncio.to_thread(_bytes, path, most)
        return hashlib.sha256(body).hexdigest() if body is not None else None

    async def uncommitted(self, folder: str, most: int) -> Sequence[str] | None:
        """What differs from git's commit."""
        return await uncommitted(folder, most)

    async def outgoing(self, folder: str, revisions: Sequence[str] | None, remote: str, most: int) -> Sequence[Outgoing] | None:
        """What a push would send."""
        return await outgoing(folder, revisions, remote, most)

    async def tracked(self, path: str) -> Tracked:
        """How it stands to git."""
        return await tracked(path)

    def _fitting(self, pattern: str, most: int) -> Sequence[str] | None:
        found = ["/"]
        looked = 0
        parts = [part for part in pattern.split("/") if part]
        for index, part in enumerate(parts):
            is_last = index == len(parts) - 1
            there: list[str] = []
            if not _MAGIC.search(part):
                there = [path for path in (os.path.join(folder, part) for folder in found) if os.path.lexists(path)]
            else:
                fits = _matcher(part, ignores_case=self._ignores_case)
                for folder in found:
                    for name, is_folder in _entries(folder):
                        looked += 1
                        if looked > MOST_ENTRIES:
                            return None
                        if fits(name) and (is_last or is_folder):
                            there.append(os.path.join(folder, name))
                            if len(there) > most:
                                return None
            found = there
        return sorted(found)


class _Matcher:
    def __init__(self, part: str, *, ignores_case: bool) -> None:
        # `**` without globstar is `*` to bash, and a leading dot has to be written.
        self._hidden = part.startswith((".", "["))
        self._fits = re.compile(translate(part.replace("[^", "[!")), re.IGNORECASE if ignores_case else 0).match

    def __call__(self, name: str) -> bool:
        return bool(self._fits(name)) and (self._hidden or not name.startswith("."))


def _matcher(part: str, *, ignores_case: bool) -> _Matcher:
    try:
        return _Matcher(part, ignores_case=ignores_case)
    except re.error:
        return _Matcher(re.sub(r"[\[\]]", "?", part), ignores_case=ignores_case)


def _entries(folder: str) -> Iterator[tuple[str, bool]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield entry.name, _is_folder(entry)
    except OSError:
        return


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _below(folder: str, most: int) -> Sequence[str] | None:
    files: list[str] = []
    looked = 0
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    looked += 1
                    if looked > MOST_ENTRIES or len(files) > most:
                        return None
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        files.append(entry.path)
        except OSError:
            continue
    return sorted(files) if len(files) <= most else None


def _found(path: str) -> Found:
    try:
        real = os.path.realpath(path)
        state = os.stat(real)
    except (OSError, ValueError):
        # A link that leads nowhere, or in a circle: where it leads to is what a write would make.
        return Found(path=path, real=_real(path), is_there=False)
    is_file = stat.S_ISREG(state.st_mode)
    return Found(
        path=path, real=real, is_there=True, is_folder=stat.S_ISDIR(state.st_mode), size=state.st_size if is_file else 0
    )


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path


def _text(path: str, most: int) -> str | None:
    body = _bytes(path, most)
    try:
        return body.decode() if body is not None else None
    except UnicodeDecodeError:
        return None


def _bytes(path: str, most: int) -> bytes | None:
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY) if Path(path).is_file() else -1
    except (OSError, ValueError):
        return None
    if descriptor < 0:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        pieces: list[bytes] = []
        left = most + 1
        while left > 0 and (piece := os.read(descriptor, min(left, 1 << 20))):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces) if left > 0 else None
    except OSError:
        return None
    finally:
        os.close(descriptor)
