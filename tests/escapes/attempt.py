"""What an attempt to leave a box is: data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Class(StrEnum):
    FS_WRITE = "fs_write"
    FS_READ = "fs_read"
    ENV = "env"
    IPC = "ipc"
    SYSCALL = "syscall"
    NETWORK = "network"
    PROXY = "proxy"
    RESOURCE = "resource"
    PERSIST_GIT = "persist_git"
    PERSIST_FILE = "persist_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What is there to be looked at when an attempt is over."""

    id: str
    said: str
    """What its script printed."""
    facts: Mapping[str, str]
    heard: Mapping[str, bytes]
    """Every byte that each service of the host was told."""
    repo: Path | None = None
    """The user's checkout, of an attempt that had one."""
    before: Mapping[str, str] = field(default_factory=dict[str, str])
    """That checkout's refs, before."""
    trouble: str = ""
    """What the host's side saw go wrong while it ran."""


Judge = Callable[[Aftermath], str]
"""The evidence of an escape; empty: contained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One way out, tried by a process in a box that is in somebody else's hands."""

    id: str
    what: str
    script: str
    """Python, behind kit.py."""
    escaped: Judge
    no_control: str = ""
    """Why it is not tried without a box; empty: it is."""
    no_user_control: str = ""
    """Why an ordinary user does not try it without a box."""
    root_only: str = ""
    """Why it is contained only where a box has a cgroup; it is not tried elsewhere."""
    repo: bool = False
    """It works in a clone of the user's repository: `--repo`."""
    alone: bool = False
    """It has a box of its own."""
    terminal: bool = False
    """It has the operator's terminal."""
    streams: bool = False
    """Its standard streams are files of the user: GIVEN to be read, LOG to be appended to."""
    then: str = ""
    """What the next box tries that works in the same folder, SHARED, of which both are shown `tools`."""
    slow: bool = False
    """It is left out of the short selection."""

    def why_no_control(self, *, root: bool) -> str:
        return self.no_control or ("" if root else self.no_user_control)
