"""A box for processes: begun stopped, let go, watched, ended with everything that it started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ringfence.core.model.box import BoxProfile, Layer


class Standing(StrEnum):
    """What came of trying a layer on this machine."""

    PRESENT = "present"
    ABSENT = "absent"
    REFUSED = "refused"
    """It is there and the machine does not let us use it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """One layer as it was tried, never as it was assumed."""

    layer: Layer
    standing: Standing
    detail: str
    """How it was tried and what was seen."""
    remedy: str = ""
    """What to install or enable, where it is not present."""


class WorkspaceKind(StrEnum):
    NONE = "none"
    """A folder in the box's own memory, gone with it."""
    CLONE = "clone"
    """A safe clone of a git repository: own objects, no remote, no configuration, on a sized file system."""
    FOLDER = "folder"
    """A folder of the host, writable. Whatever reads it afterwards has to distrust it."""
    LEFT = "left"
    """What another box has left in its clone."""


@dataclass(frozen=True, slots=True)
class Left:
    """The file system of a box's clone, which outlives its processes and ends with `close`.

    It is given to one other box, which has it from then on: that box's own `left` is for the next.
    """

    mount: int
    """A descriptor. Nobody but another box reads what is there."""
    user: int | None
    """Whose files they are, where that is not us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Where the command works: `/work` in the box."""

    kind: WorkspaceKind = WorkspaceKind.NONE
    source: str | None = None
    """Absolute path on the host."""
    left: Left | None = None
    """With `LEFT`: of a box that is not closed yet."""
    writable: bool = False
    """With `LEFT`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxPlan:
    """One box to make. The environment is complete: nothing of ours is passed on."""

    name: str
    """Unique while it lives, `[a-z0-9-]`; what is left over of a dead one is found by it."""
    command: Sequence[str]
    profile: BoxProfile
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    workspace: Workspace = Workspace()
    listener_port: int | None = None
    """Where in the box, on 127.0.0.1, there is a listener that is served from outside; None: no way out."""
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """Small files below `/etc/ringfence` in the box, such as the bundle of authorities. No secrets."""
    stdio: tuple[int, int, int] = (0, 1, 2)
    """Descriptors of ours that become its standard input, output and error."""
    writable: Sequence[str] = ()
    """Absolute paths of folders of the host that it may write to. Whatever reads them afterwards has to distrust them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxEnd:
    """How it ended."""

    code: int
    """As a shell has it: the exit code, or 128 and the number of the signal."""
    why: str = ""
    """Where it was ended from outside: `killed`, `wall clock`, `out of memory`. Empty: it ended by itself."""


class Box(Protocol):
    """One box. It ends with the process that made it, however that ends."""

    @property
    def pid(self) -> int:
        """Of its first process, as the host sees it."""
        ...

    @property
    def listener(self) -> int | None:
        """Descriptor of a socket that listens in the box's network before the command starts. Whoever serves it owns it."""
        ...

    @property
    def layers(self) -> frozenset[Layer]:
        """What contains it really."""
        ...

    @property
    def left(self) -> Left | None:
        """Its clone, for another box to look at; None: it has none, or the machine cannot keep one."""
        ...

    def release(self) -> None:
        """Let the command start."""
        ...

    async def wait(self) -> BoxEnd: ...

    async def kill(self, why: str = "killed") -> None:
        """End every process of it, daemons too. Returns when none is left."""
        ...

    async def pause(self) -> None:
        """No process of it runs when this returns."""
        ...

    async def resume(self) -> None: ...

    async def close(self) -> None:
        """Nothing of it is left when this returns: no process, mount, cgroup or folder."""
        ...


class Sandbox(Protocol):
    """Makes boxes on this machine."""

    async def probe(self) -> Sequence[Probed]:
        """Try each layer. Takes some tenths of a second; the answer holds while the machine is not changed."""
        ...

    async def start(self, plan: BoxPlan) -> Box:
        """A box, not begun. Raises UnavailableError, with the remedy, where its profile needs more than there is."""
        ...

    async def sweep(self) -> int:
        """Remove what dead boxes left over. Answers how many."""
        ...
