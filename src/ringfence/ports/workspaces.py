"""The place where what comes out of a box's clone is looked at, before anything of it reaches the operator's repository."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from ringfence.core.export.judging import Bounds, Judged
from ringfence.core.export.protected import Protected


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What a box handed over: a git bundle that nobody has looked at."""

    file: str
    """Path of it, in a folder of ours."""
    repository: str
    """Absolute path."""
    base: str
    """The commit that the clone began at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was found in it."""

    judged: Judged
    head: str = ""
    """Empty where none could be read."""
    diff: str = ""
    """Of the protected paths, from base to head, cut to what a person reads. Text of the agent's: data, never markup."""


class Quarantined(Protocol):
    """A bundle in a repository of its own."""

    @property
    def examined(self) -> Examined: ...

    async def land(self, branch: str) -> None:
        """Put its head into the operator's repository as this branch, which must not be there, and nothing else.

        Raises UnavailableError where it was refused, or git does not take it.
        """
        ...


class Workspaces(Protocol):
    """Repositories of operators, and the quarantine before them."""

    async def base_of(self, repository: str) -> str:
        """The commit that a clone made now begins at. Raises UnavailableError."""
        ...

    def quarantined(self, bundle: Bundle, protected: Protected, bounds: Bounds) -> AbstractAsyncContextManager[Quarantined]:
        """Look at a bundle. What is wrong with it is in the answer. Raises UnavailableError where it cannot be looked at."""
        ...
