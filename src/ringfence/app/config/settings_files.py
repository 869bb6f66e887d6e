"""Settings files of Claude Code: the `permissions` block of one, read strictly, with where each rule stands."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from ringfence.app.config.problems import shown
from ringfence.core.model.permissions import Listed

MOST_BYTES: Final = 1 << 20
_OWN: Final = frozenset({"deny", "ask", "allow", "additionalDirectories"})
_OF_CLIENT: Final = frozenset({"defaultMode", "disableBypassPermissionsMode", "disableAutoMode"})
_FOLDER: Final = ".claude"


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """One rule of a file."""

    listed: Listed
    text: str
    key: str
    """`permissions.deny[3]`."""
    line: int
    column: int
    """Of its first character; both from one, 0 where nobody can tell."""


@dataclass(slots=True)
class SettingsFile:
    """What one file says."""

    rules: list[WrittenRule] = field(default_factory=list[WrittenRule])
    directories: list[str] = field(default_factory=list[str])
    anchor: str = ""
    """Where a path with one leading `/` begins; empty: at the run's project."""
    base: str = ""
    """What its relative folders are relative to."""
    faults: list[str] = field(default_factory=list[str])
    remarks: list[str] = field(default_factory=list[str])


def read_settings(path: Path) -> SettingsFile:
    """What a file says, or its faults in words that name the place."""
    made = SettingsFile(anchor=_anchor(path), base=str(_project(path)))
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        made.faults.append(f"{path}: cannot be read: {os.strerror(error.errno) if error.errno else 'unreadable'}")
        return made
    if len(data) > MOST_BYTES:
        made.faults.append(f"{path}: longer than {MOST_BYTES} bytes")
        return made
    try:
        text = data.decode("utf-8")
        value: Any = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        made.faults.append(f"{path}: expected JSON in UTF-8: {str(error)[:200]}")
        return made
    if not isinstance(value, Mapping):
        made.faults.append(f"{path}: expected an object")
        return made
    block = cast("Mapping[str, Any]", value).get("permissions")
    if block is None:
        made.remarks.append(f"{path} has no `permissions`")
    elif not isinstance(block, Mapping):
        made.faults.append(f"{path}: permissions: expected an object")
    else:
        _read(cast("Mapping[str, Any]", block), path, text, made)
    return made


def _read(block: Mapping[str, Any], path: Path, text: str, made: SettingsFile) -> None:
    for key in block:
        if key in _OF_CLIENT:
            made.remarks.append(f"{path}: `permissions.{key}` is for the client alone and changes nothing here")
        elif key not in _OWN:
            made.remarks.append(f"{path}: `permissions.{shown(key)}` is not known here and changes nothing")
    begin = text.find('"permissions"')
    for listed in Listed:
        begin_list = text.find(f'"{listed}"', begin)
        for index, rule in enumerate(_texts(block, listed.value, path, made)):
            at = text.find(json.dumps(rule, ensure_ascii=False), max(begin_list, 0))
            line, column = (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at) + 1) if at >= 0 else (0, 0)
            made.rules.append(WrittenRule(listed, rule, f"permissions.{listed}[{index}]", line, column))
    made.directories.extend(_texts(block, "additionalDirectories", path, made))


def _texts(block: Mapping[str, Any], key: str, path: Path, made: SettingsFile) -> list[str]:
    value = block.get(key, [])
    if not isinstance(value, list):
        made.faults.append(f"{path}: permissions.{key}: expected a list")
        return []
    items = cast("list[Any]", value)
    for index, item in enumerate(items):
        if not isinstance(item, str):
            made.faults.append(f"{path}: permissions.{key}[{index}]: expected a text")
    return [item if isinstance(item, str) else "" for item in items] if not made.faults else []


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key `{shown(double)}` is there twice")
    return made


def _project(path: Path) -> Path:
    return path.parent.parent if path.parent.name == _FOLDER else path.parent


def _anchor(path: Path) -> str:
    """A project's file speaks of the run's project, wherever a copy of it lies; a user's or a managed one of its own folder."""
    is_project = path.parent.name == _FOLDER and str(_project(path)) not in {entry.pw_dir for entry in pwd.getpwall()}
    return "" if is_project else os.path.realpath(path.parent)
