"""What a built-in tool of an agent's client would do: its shell, its file tools, its fetches.

A call of such a tool is read before it is decided. What comes of that is a `Judgement`: one `LocalAct` for each simple command
of a shell call, and one for a call of any other tool. Checks read acts; none of them reads shell text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ringfence.core.model.identifiers import ServerId
from ringfence.core.model.profile import ToolProfile

LOCAL: Final = ServerId("local")
"""The server that the client's own tools are tools of: `local.Bash`, `local.Edit`."""


class Use(StrEnum):
    """What an act does with a path."""

    LIST = "list"
    """Its name, kind or size."""
    READ = "read"
    WRITE = "write"
    """Made, changed, replaced or moved to."""
    DELETE = "delete"
    """Removed, emptied or moved away."""
    EXECUTE = "execute"


class Kind(StrEnum):
    COMMAND = "command"
    FILE = "file"
    FETCH = "fetch"
    AGENT = "agent"
    OTHER = "other"


class Scope(StrEnum):
    """How far an act reaches beyond the paths that it names."""

    NOTHING = "nothing"
    """It says or works something out, and touches nothing."""
    PATHS = "paths"
    """All that it does is done to its `paths`: who may write there may do this."""
    PROJECT = "project"
    """The project: its code is run, its repository read or changed, in places that nobody named."""
    MACHINE = "machine"
    """The machine outside the project: processes, packages, services, other people's files."""
    REMOTE = "remote"
    """Other machines."""


class Tracked(StrEnum):
    """How a file that is there stands to version control."""

    UNKNOWN = "unknown"
    CLEAN = "clean"
    """Committed as it is: what is done to it can be undone."""
    CHANGED = "changed"
    UNTRACKED = "untracked"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathUse:
    """One path that an act touches."""

    use: Use
    path: str
    """Absolute, `.` and `..` taken out, as written otherwise. Of a pattern that fits nothing: the pattern."""
    real: str = ""
    """With symbolic links followed as far as the path is there; empty: nobody looked."""
    is_there: bool = False
    is_folder: bool = False
    below: bool = False
    """All that lies below it as well."""
    is_pattern: bool = False
    """`path` still holds a pattern, or a part that is not known: it may be any path that fits."""
    empties: bool = False
    """A write that leaves nothing of what was there."""
    moved_to: str = ""
    """Where it is moved to; absolute."""
    only: tuple[str, ...] = ()
    """Of `below`: patterns of the only names that are read."""
    through: str = ""
    """The folder that is used as a whole, for which somebody looked and found this path below it."""
    skips: tuple[str, ...] = ()
    """Of `below`: patterns of names of files and folders that are passed over."""


class Undecided(StrEnum):
    """Why something cannot be decided, so that a person has to."""

    PARSE = "parse"
    """Not shell as it is read here."""
    LENGTH = "length"
    DEPTH = "depth"
    WORD = "word"
    """The name of a command is worked out at run time."""
    EVAL = "eval"
    """Text that is made at run time is run."""
    CODE = "code"
    """A program in another language, which may do anything."""
    SCRIPT = "script"
    """A file is run that this run has written, or that nobody can read."""
    PATH = "path"
    """Which file it is is worked out at run time."""
    UNKNOWN = "unknown"
    """A command that no profile knows."""
    TOOL = "tool"
    """A tool of the client that nobody has described."""


@dataclass(frozen=True, slots=True, order=True)
class Doubt:
    """One of them."""

    kind: Undecided
    why: str
    """For operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAct:
    """One thing that a call does."""

    kind: Kind
    text: str
    """A command in one canonical spelling: words joined by one blank, quotes only where a word needs them. Of another tool:
    what permission lists match (a path, a URL, an agent's type)."""
    words: tuple[str, ...] = ()
    """A command's words as they will be; the first is its name as written. A word that is not known stands as `?`."""
    spellings: tuple[str, ...] = ()
    """Other texts that a deny or ask rule is held against: with its path, behind its wrappers, as it was written."""
    tool: str = ""
    """The client's name of the tool."""
    profile: ToolProfile
    """What this act alone can do."""
    works_from: tuple[str, ...] = ()
    """Files, there or not, that say what it does though no word names them: the Makefile of `make`. Absolute."""
    scope: Scope = Scope.REMOTE
    """A read up to MACHINE needs no rule besides what its paths need; a write needs one that names it unless it is of PATHS."""
    paths: tuple[PathUse, ...] = ()
    hosts: tuple[str, ...] = ()
    """Hosts it reaches, in lower case; `?` is one that is not known."""
    via: tuple[str, ...] = ()
    """Through what it is run, from the outside in: `sudo`, `xargs`, `bash -c`, `trap`, `$( )`."""
    doubts: tuple[Doubt, ...] = ()
    is_covered: bool = False
    """A runner of the project (`uv run`, `npx`) starts it, which is an act too: a rule that names that one speaks for it."""
    is_known: bool = True
    """Whether a profile knows the command, or the tool."""
    why: str = ""
    """Which profile, in words of its data file."""
    statements: tuple[str, ...] = ()
    """SQL that it runs, each by its kind and object: `DROP TABLE items`."""
    sql: tuple[str, ...] = ()
    """The words of that SQL, without comments and without what stands in quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a call is made."""

    cwd: str
    """Absolute."""
    roots: tuple[str, ...]
    """The run's real directories, the project first. Absolute, links followed."""
    home: str = ""
    ignores_case: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a call would do, as far as it can be known."""

    place: Place
    acts: tuple[LocalAct, ...]
    doubts: tuple[Doubt, ...] = ()
    """Of the call as a whole."""
    profile: ToolProfile
    """The strictest of all acts together: what the gates read."""
    files: tuple[str, ...] = ()
    """Real paths that it writes or deletes."""
    lines: int = 0
    """Lines that a file tool adds, changes and takes away; 0 where nobody can know."""
    secrets: tuple[str, ...] = ()
    """Secrets that stand in what would be written, sent or committed: the rule's name and where."""
    tree: str = ""
    """How the command was read, one line a node, for people."""
    text: str = ""
    """Of a shell call: its whole text as it was written. A rule may name a compound as a whole."""
