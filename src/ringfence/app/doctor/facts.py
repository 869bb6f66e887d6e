"""What `doctor` knows before it judges: plain values, gathered once. None of them holds a secret value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ringfence.app.config.settings import Loaded
from ringfence.core.model.identifiers import Millis


class Part(StrEnum):
    """What a file is to the gateway; the value is the word for it."""

    RULES = "the configuration"
    POLICY = "a policy"
    TRUSTED = "a file whose content is believed"
    PROGRAM = "a program that the gateway starts"
    FOLDER = "a folder that holds them"
    STATE = "the state directory"
    STORED = "a file of the state"
    KEY = "a private key"
    SECRET = "a secret"
    SOCKET = "the control socket"
    OPERATOR = "an operator's credential"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFact:
    """One file, folder or socket as it lies there."""

    path: Path
    part: Part
    owner: int
    mode: int
    """Permission bits with the sticky bit: 0 to 0o1777."""
    is_folder: bool = False
    is_own_group: bool = False
    """Its group is the owner's alone, as many distributions make one for each user."""


class Holds(StrEnum):
    """What a variable, or a place in a file, holds."""

    SECRET = "secret"
    REFERENCE = "reference"
    """The name of a variable with a credential."""
    MODEL = "model"
    """The key that an agent's model calls are billed by."""
    RUN = "run"
    """A run credential of a gateway."""
    OPERATOR = "operator"


class Source(StrEnum):
    """Which kind of file something was found in."""

    CONFIG = "config"
    CLIENT = "client"
    ENV_FILE = "env_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A place in a file where a credential stands."""

    source: Source
    holds: Holds
    where: str
    """The file, with line or key: never the value."""
    rule: str = ""
    """Which published format it has, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of this process's environment."""

    name: str
    holds: Holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Something that is good for a time only."""

    what: str
    where: str
    until: Millis
    since: Millis = Millis(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRun:
    """One open run, by what its live credentials allow."""

    id: str
    agent: str
    is_standing: bool
    is_unbound: bool
    """Whoever knows one of its credentials can use it."""
    has_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """What could not be looked at, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that is judged. What is not there was not found, or is in `unseen`."""

    now: Millis
    gateway_uid: int
    """The owner of the state directory; without one, this process's own user."""
    loaded: Loaded | None = None
    faults: tuple[str, ...] = ()
    """Why there is no configuration, one line each."""
    state: Path | None = None
    is_running: bool | None = False
    """None: a gateway may run there, and does not answer this user."""
    control_url: str = ""
    """Where a running gateway serves people over TCP."""
    agent_shell: str = ""
    """The variable that says that an agent runs this very process."""
    variables: tuple[Variable, ...] = ()
    written: tuple[Written, ...] = ()
    files: tuple[FileFact, ...] = ()
    endings: tuple[Ending, ...] = ()
    runs: tuple[HeldRun, ...] = ()
    unseen: tuple[Unseen, ...] = ()
