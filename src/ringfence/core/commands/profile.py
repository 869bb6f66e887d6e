"""One command's profile, as a data file says it, and all of them together.

A table of the file is one command, or one subcommand by its whole name (`"git stash drop"`):

    ["sort"]
    does = "sorts lines"            # for people
    kind = "reads"                  # one of kinds.KINDS
    words = "read*"                 # what its words are, in their order; the last one with * stands for all that follow
    writes = "-o --output"          # options whose value is a path that is written
    values = "-k -t"                # options that take a value which is nothing
    turns.deletes = "--delete"      # options that make it another kind
    like = "uniq"                   # everything that is not said here is as there
    also = "gsort"                  # other names, with the same subcommands
    costs_money = true              # what differs from the kind's profile

Words and options have a role each (`Role`). An option that no table names is a flag: it takes no value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, cast

from ringfence.core.commands.kinds import KINDS, CommandKind
from ringfence.core.model.profile import Sensitivity, ToolProfile
from ringfence.errors import ConfigError

MOST_NESTED: Final = 5
"""Words that the name of a subcommand has at most."""


class Role(StrEnum):
    """What a word, or the value of an option, is."""

    VALUE = "value"
    """Nothing that is judged: a number, a pattern, a name."""
    OPTIONAL = "optional"
    """A value that an option takes only where it is attached to it."""
    LIST = "list"
    """A path whose name, kind or size is told."""
    READ = "read"
    TREE = "tree"
    """A path that is read with all below it."""
    WRITE = "write"
    WIPE = "wipe"
    """A path that is emptied."""
    DELETE = "delete"
    DELETE_TREE = "delete_tree"
    EXECUTE = "execute"
    DATA = "data"
    """Text; or, after an `@`, a path that is read."""
    ENV_FILE = "env_file"
    HOST = "host"
    URL = "url"
    PLACE = "place"
    """A path here, or `host:path`."""
    FOLDER = "folder"
    """The folder that it works in."""
    CODE = "code"
    """A program, in whatever language."""
    SQL = "sql"


_OPTION_KEYS: Final[Mapping[str, Role]] = {
    "values": Role.VALUE,
    "optional": Role.OPTIONAL,
    "lists": Role.LIST,
    "reads": Role.READ,
    "trees": Role.TREE,
    "writes": Role.WRITE,
    "wipes": Role.WIPE,
    "deletes": Role.DELETE,
    "executes": Role.EXECUTE,
    "data": Role.DATA,
    "env_files": Role.ENV_FILE,
    "hosts": Role.HOST,
    "urls": Role.URL,
    "places": Role.PLACE,
    "folders": Role.FOLDER,
    "codes": Role.CODE,
    "sqls": Role.SQL,
}
_TAKES: Final = ("options", "single", "leading", "none")
_PLAIN_KEYS: Final = frozenset(
    {
        "does",
        "kind",
        "words",
        "turns",
        "like",
        "also",
        "special",
        "unless",
        "takes",
        "tells",
        "apart",
        "costs_money",
        "outbound",
        "identity",
        "sensitivity",
        "reversible",
        "bounded",
        "alone",
    }
)
_FLAGS: Final = ("costs_money", "outbound", "identity", "reversible", "bounded")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandProfile:
    """One command, or one subcommand."""

    name: str
    does: str
    kind: CommandKind
    words: tuple[Role, ...] = ()
    repeats: bool = False
    """Whether the last role stands for all words that follow."""
    options: Mapping[str, Role] = field(default_factory=dict[str, Role])
    turns: Mapping[str, CommandKind] = field(default_factory=dict[str, CommandKind])
    """Options that make it another kind."""
    unless: frozenset[str] = frozenset()
    """With one of these options the first word is not there (`grep -e`)."""
    special: str = ""
    """A reader of its own for its words, besides the roles."""
    takes: str = "options"
    """How its options are written: `options`; `single` (long ones with one dash); `leading` (the first word ends them); `none`
    (it has none, all are words)."""
    tells: frozenset[str] = frozenset()
    """Options with which it only tells something."""
    is_apart: bool = False
    """Its options are not those of its subcommands."""


@dataclass(frozen=True, slots=True)
class CommandProfiles:
    """Every command that somebody has described."""

    by_name: Mapping[str, CommandProfile]
    parents: frozenset[str]
    """Names that have subcommands."""

    def of(self, name: str) -> CommandProfile | None:
        """The profile of a command's or a subcommand's whole name."""
        return self.by_name.get(name)


def profiles(tables: Iterable[Mapping[str, Any]]) -> CommandProfiles:
    """All tables as one; a later one takes the place of an earlier one of the same name. Raises ConfigError."""
    raw: dict[str, Mapping[str, Any]] = {}
    for table in tables:
        for name, entry in table.items():
            if not isinstance(entry, Mapping):
                raise ConfigError(f"profile of the command {name!r} is no table")
            raw[name] = cast("Mapping[str, Any]", entry)
    read: dict[str, CommandProfile] = {}
    for name, entry in raw.items():
        profile = _profile(name, _whole(name, raw, set()))
        for also in (name, *str(entry.get("also", "")).split("|")):
            if also.strip():
                read[also.strip()] = replace(profile, name=also.strip())
    for name, entry in raw.items():
        for also in (one.strip() for one in str(entry.get("also", "")).split("|") if one.strip()):
            for below in [below for below in read if below.startswith(f"{name} ")]:
                whole = also + below[len(name) :]
                read.setdefault(whole, replace(read[below], name=whole))
    parents = frozenset(name.rsplit(" ", count)[0] for name in read for count in range(1, name.count(" ") + 1))
    for parent in parents - set(read):
        read[parent] = CommandProfile(name=parent, does="", kind=KINDS["says"])
    return CommandProfiles(read, parents)


def _whole(name: str, raw: Mapping[str, Mapping[str, Any]], passed: set[str]) -> dict[str, Any]:
    entry = dict(raw[name])
    like = entry.pop("like", None)
    if like is None:
        return entry
    if not isinstance(like, str) or like not in raw or like in passed:
        raise ConfigError(f"profile of the command {name!r} is like {like!r}, which is not there")
    below = _whole(like, raw, passed | {name})
    below.pop("also", None)
    return below | entry


def _profile(name: str, entry: Mapping[str, Any]) -> CommandProfile:
    options: dict[str, Role] = {}
    for key, value in entry.items():
        if key in _OPTION_KEYS:
            options.update(dict.fromkeys(str(value).split(), _OPTION_KEYS[key]))
        elif key not in _PLAIN_KEYS:
            raise ConfigError(f"profile of the command {name!r}: {key!r} is no key")
    words, repeats = _words(name, str(entry.get("words", "value*")))
    turns: dict[str, CommandKind] = {}
    turned = entry.get("turns", {})
    if not isinstance(turned, Mapping):
        raise ConfigError(f'profile of the command {name!r}: turns is a table of kinds, as in `turns.writes = "-w"`')
    if entry.get("takes", "options") not in _TAKES:
        raise ConfigError(f"profile of the command {name!r}: takes is one of {', '.join(_TAKES)}")
    for kind, given in cast("Mapping[str, Any]", turned).items():
        turns.update(dict.fromkeys(str(given).split(), _kind(name, kind)))
    return CommandProfile(
        name=name,
        does=str(entry.get("does", "")),
        kind=_changed(name, _kind(name, entry.get("kind")), entry),
        words=words,
        repeats=repeats,
        options=options,
        turns=turns,
        unless=frozenset(str(entry.get("unless", "")).split()),
        special=str(entry.get("special", "")),
        takes=str(entry.get("takes", "options")),
        tells=frozenset(str(entry.get("tells", "")).split()),
        is_apart=entry.get("apart") is True,
    )


def _kind(name: str, kind: object) -> CommandKind:
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(f"profile of the command {name!r}: {kind!r} is no kind; kinds are {', '.join(KINDS)}")
    return KINDS[kind]


def _words(name: str, text: str) -> tuple[tuple[Role, ...], bool]:
    try:
        return tuple(Role(word.rstrip("*")) for word in text.split()), text.endswith("*")
    except ValueError as error:
        raise ConfigError(f"profile of the command {name!r}: {text!r} holds a word that is no role") from error


def _changed(name: str, kind: CommandKind, entry: Mapping[str, Any]) -> CommandKind:
    profile: ToolProfile = kind.profile
    for flag in _FLAGS:
        if flag in entry:
            if not isinstance(entry[flag], bool):
                raise ConfigError(f"profile of the command {name!r}: {flag} is true or false")
            profile = replace(profile, **{flag: entry[flag]})
    if "sensitivity" in entry:
        try:
            profile = replace(profile, sensitivity=Sensitivity(str(entry["sensitivity"])))
        except ValueError as error:
            raise ConfigError(f"profile of the command {name!r}: no such sensitivity") from error
    return replace(kind, profile=profile)
