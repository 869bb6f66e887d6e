"""The files of the machine that an agent's client runs on, as far as a decision needs them. Nothing is ever written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ringfence.core.model.local import Tracked


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One path."""

    path: str
    """As it was asked for: absolute."""
    real: str
    """With every symbolic link followed, as far as it is there."""
    is_there: bool
    is_folder: bool = False
    size: int = 0
    """Bytes of a regular file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One thing that a push would send."""

    path: str
    """Of a file: where it lies in the folder of the repository, absolute. Of anything else: empty."""
    what: str
    """Which object of git it is, for people: `blob 1a2b3c4d5e`."""
    text: str
    """What is no UTF-8 stands as replacement characters."""


class Files(Protocol):
    """A look at the file system. No method raises for what is missing or unreadable: that is `is_there=False`."""

    async def look(self, paths: Sequence[str]) -> Sequence[Found]:
        """What these absolute paths are, in their order."""
        ...

    async def fitting(self, pattern: str, most: int) -> Sequence[str] | None:
        """Absolute paths that fit a shell pattern, sorted; None: more than `most`."""
        ...

    async def below(self, folder: str, most: int) -> Sequence[str] | None:
        """Absolute paths of all files below a folder, sorted; links are named, not followed. None: more than `most`."""
        ...

    async def text(self, path: str, most: int) -> str | None:
        """A regular file's text; None: it is not there, longer than `most` bytes, or no UTF-8."""
        ...

    async def digest(self, path: str, most: int) -> str | None:
        """SHA-256 of a regular file's bytes, in hex; None: it is not there, or longer than `most`."""
        ...

    async def uncommitted(self, folder: str, most: int) -> Sequence[str] | None:
        """Absolute paths of files of the repository around a folder that are not committed as they are, sorted: taken up,
        changed, and new ones that git does not ignore. None: more than `most`, or nobody can say."""
        ...

    async def outgoing(self, folder: str, revisions: Sequence[str] | None, remote: str, most: int) -> Sequence[Outgoing] | None:
        """What the repository around a folder would send with commits that a remote is not known to have: files as they are in
        any of them, messages, tags.

        `revisions` in git's spelling; none: what git pushes where nobody says it; None: all branches and tags. `remote` is the
        name of one; empty: the one that git would push to. None: more than `most` bytes, too many commits, or nobody can say.
        """
        ...

    async def tracked(self, path: str) -> Tracked:
        """How a file stands to the git repository around it, at its commit of now."""
        ...
