"""What a call of one of the client's own tools besides its shell would do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ringfence.core.commands.draft import host_of, is_loopback
from ringfence.core.commands.kinds import KINDS, UNKNOWN
from ringfence.core.commands.paths import absolute
from ringfence.core.model.local import Doubt, Kind, LocalAct, PathUse, Place, Scope, Undecided, Use
from ringfence.core.model.profile import ToolProfile
from ringfence.core.shell.command import Word

MOST_EDITS: Final = 200
MOST_PATCHED: Final = 500
_PATCHED: Final = re.compile(r"^\*\*\* (Add File|Update File|Delete File|Move to): (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Change:
    """A text that a file tool takes away, and the one that it puts in its place."""

    old: str
    new: str
    is_everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Described:
    """One act, and what it would put into files."""

    act: LocalAct
    changes: tuple[Change, ...] = ()
    content: str | None = None
    """The whole new content of the file."""


def describe(tool: str, arguments: Mapping[str, Any], place: Place) -> Described:
    """`tool` by its canonical name. What is missing or of the wrong type makes a doubt: the client would refuse it,
    but that is its word."""
    reader = _TOOLS.get(tool)
    if reader is None:
        return Described(
            _act(
                tool,
                "",
                KINDS["unknown"].profile,
                Scope.REMOTE,
                Kind.OTHER,
                doubts=(Doubt(Undecided.TOOL, "nobody has described this tool"),),
            )
        )
    return reader(tool, arguments, place)


def _act(
    tool: str,
    text: str,
    profile: ToolProfile,
    scope: Scope,
    kind: Kind = Kind.FILE,
    *,
    paths: Sequence[PathUse] = (),
    hosts: Sequence[str] = (),
    doubts: Sequence[Doubt] = (),
    why: str = "",
) -> LocalAct:
    return LocalAct(
        kind=kind,
        text=text,
        tool=tool,
        profile=profile,
        scope=scope,
        paths=tuple(paths),
        hosts=tuple(hosts),
        doubts=tuple(doubts),
        is_known=profile is not UNKNOWN.profile,
        why=why,
    )


def _text(arguments: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = arguments.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def _path_doubt(path: str) -> tuple[Doubt, ...]:
    return () if path and "\0" not in path else (Doubt(Undecided.PATH, "it names no path"),)


def _use(use: Use, path: str, place: Place, *, below: bool = False, is_pattern: bool = False) -> PathUse:
    text = place.home + path[1:] if place.home and (path == "~" or path.startswith("~/")) else path
    return PathUse(use=use, path=absolute(text, place.cwd), below=below, is_pattern=is_pattern)


def _read(tool: str, arguments: Mapping[str, Any], place: Place) -> Described:
    path = _text(arguments, "file_path", "notebook_path", "path")
    kind = KINDS["reads"]
    return Described(
        _act(tool, path, kind.profile, kind.scope, paths=[_use(Use.READ, path, place)], doubts=_path_doubt(path), why=kind.does)
    )


def _written(tool: str, path: str, place: Place) -> LocalAct:
    kind = KINDS["writes"]
    return _act(
        tool, path, kind.profile, kind.scope, paths=[_use(Use.WRITE, path, place)], doubts=_path_doubt(path), why=kind.does
    )


def _edit(tool: str, arguments: Mapping[str, Any], place: Place) -> Described:
    path = _text(arguments, "file_path")
    change = Change(_text(arguments, "old_string"), _text(arguments, "new_string"), arguments.get("replace_all") is True)
    return Described(_written(tool, path, place), (change,))


def _multi_edit(tool: str, arguments: Mapping[str, Any], place: Place) -> Described:
    edits = arguments.get("edits")
    act = _written(tool, _text(arguments, "file_path"), place)
    given: Sequence[Any] = edits if isinstance(edits, list) else ()
    if len(given) > MOST_EDITS or not all(isinstance(edit, Mapping) for edit in given):
        return Described(
            replace(act, doubts=(*act.doubts, Doubt(Undecided.LENGTH, "more edits than are read, or none that can be")))
        )
    return Described(
        act,
        tuple(Change(_text(edit, "old_string"), _text(edit, "new_string"), edit.get("replace_all") is True) for edit in given),
    )


def _write(tool: str, arguments: Mapping[str, Any], place: Place) -> Described:
    content = _text(arguments, "content")
    act = _written(tool, _text(arguments, "file_path"), place)
    return Described(replace(act, paths=tuple(replace(use, empties=not content.strip()) for use in act.paths)), content=content)


def _notebook(tool: str, arguments: Mapping[str, Any], place: Place) -> Described:
    return Described(_written(tool, _text(arguments, "notebook_path"), place), (Change("", _text(arguments, "new_source")),))


def _glob(tool: str, arguments: Mapping[str, Any], place: Place) -> Described:
    kind = KINDS["reads"]
    where = _text(arguments, "path") or place.cwd
    pattern = _text(arguments, "pattern")
    if pattern.startswith(("/", "~")) or ".." in pattern.split("/"):
        # It looks where its pattern leads, not where it is said to look.
        before = pattern[: min((pattern.find(sign) for sign in "*?[{" if sign in pattern), default=len(pattern))]
        where = before.rpartition("/")[0] or "/" if before.startswith(("/", "~")) else f"{where}/{before}"
    return Described(
        _act(
            tool, where, kind.profile, kind.scope, paths=[_use(Use.LIST, where, place, below=True)], why="lists names of files"
        )
    )


def _grep(tool: str, arguments: Mapping[str, Any], place: Place) -> Described:
    kind = KINDS["reads"]
    where = _text(arguments, "path") or place.cwd
    # With `files_with_matches` it tells names only, but which files hold a text is told all the same.
    return Described(
        _act(tool, where, kind.profile, kind.scope, paths=[_use(Use.READ, where, place, below=True)], why="searches files")
    )


def _fetch(tool: str, arguments: Mapping[str, Any], place: Place) -> Described:
    url = _text(arguments, "url")
    host = host_of(Word(text=url if "://" in url else f"http://{url}", raw=url))
    kind = KINDS["reads machine" if is_loopback([host]) else "fetches"]
    return Described(_act(tool, url, kind.profile, kind.scope, Kind.FETCH, hosts=[host], why=kind.does))


def _search(tool: str, arguments: Mapping[str, Any], place: Place) -> Described:
    kind = KINDS["fetches"]
    return Described(
        _act(tool, _text(arguments, "query"), kind.profile, kind.scope, Kind.FETCH, hosts=["?"], why="asks a search engine")
    )


def _agent(tool: str, arguments: Mapping[str, Any], place: Place) -> Described:
    kind = KINDS["says"]
    name = _text(arguments, "subagent_type") or "general-purpose"
    return Described(
        _act(
            tool,
            name,
            kind.profile,
            kind.scope,
            Kind.AGENT,
            why="starts an agent in this run, whose calls are judged like its own",
        )
    )


def _skill(tool: str, arguments: Mapping[str, Any], place: Place) -> Described:
    kind = KINDS["says"]
    name = _text(arguments, "skill", "command", "name")
    return Described(_act(tool, name, kind.profile, kind.scope, Kind.OTHER, why="reads instructions that are installed"))


def _patch(tool: str, arguments: Mapping[str, Any], place: Place) -> Described:
    text = _text(arguments, "input", "patch", "command")
    kind = KINDS["writes"]
    named = [(match[1], match[2].strip()) for match in _PATCHED.finditer(text)]
    paths = [_use(Use.DELETE if what == "Delete File" else Use.WRITE, path, place) for what, path in named[:MOST_PATCHED]]
    doubts: list[Doubt] = []
    if not named or len(named) > MOST_PATCHED:
        doubts.append(Doubt(Undecided.PATH, "it names no file, or more than are read"))
    gone = "\n".join(line[1:] for line in text.splitlines() if line.startswith("-"))
    new = "\n".join(line[1:] for line in text.splitlines() if line.startswith("+"))
    profile = KINDS["deletes"].profile if any(use.use is Use.DELETE for use in paths) else kind.profile
    return Described(
        _act(tool, " ".join(path for _, path in named[:20]), profile, kind.scope, paths=paths, doubts=doubts, why=kind.does),
        (Change(gone, new),),
    )


_TOOLS: Final = {
    "Read": _read,
    "Edit": _edit,
    "MultiEdit": _multi_edit,
    "Write": _write,
    "NotebookEdit": _notebook,
    "Glob": _glob,
    "Grep": _grep,
    "WebFetch": _fetch,
    "WebSearch": _search,
    "Agent": _agent,
    "Skill": _skill,
    "Patch": _patch,
}
