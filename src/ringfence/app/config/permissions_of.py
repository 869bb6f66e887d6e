"""`permissions:` of agents, with the settings files that they name, to the lists that the decision reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ringfence.app.config.problems import Path as Place
from ringfence.app.config.problems import path_text, shown
from ringfence.app.config.settings_files import SettingsFile, read_settings
from ringfence.core.model.permissions import Listed, PermissionLists, PermissionRule
from ringfence.core.permissions.reading import Fault, read_rule

Fields = Mapping[str, Any]
ReportAt = Callable[[Place, int, str], None]
"""Adds a fault so many characters into the value at a path."""
Warn = Callable[[Place, str], None]


def permissions_of(values: Fields, folder: Path, report: ReportAt, warn: Warn) -> Mapping[str, PermissionLists]:
    """The lists of every agent that has any, with every fault of them added."""
    return {
        name: _of_agent(("agents", name, "permissions"), fields["permissions"], folder, report, warn)
        for name, fields in values.get("agents", {}).items()
        if "permissions" in fields
    }


def settings_paths(fields: Fields, folder: Path) -> tuple[Path, ...]:
    """The settings files that an agent's `permissions` name."""
    return tuple(folder / Path(text).expanduser() for text in fields.get("files", ()) if text)


def _of_agent(place: Place, fields: Fields, folder: Path, report: ReportAt, warn: Warn) -> PermissionLists:
    found: dict[Listed, list[PermissionRule]] = {listed: [] for listed in Listed}
    directories = [
        os.path.realpath(folder / Path(text).expanduser()) for text in fields.get("additionalDirectories", ()) if text
    ]
    for listed in Listed:
        for index, text in enumerate(fields.get(listed.value, ())):
            if text is None:
                continue
            where: Place = (*place, listed.value, index)
            read = read_rule(text, listed, source=path_text(where))
            if isinstance(read, Fault):
                report(where, read.offset, read.message)
                continue
            if read.remark:
                warn(where, f"`{shown(text)}`: {read.remark}")
            if read.rule is not None:
                found[listed].append(read.rule)
    for index, path in enumerate(settings_paths(fields, folder)):
        file = read_settings(path)
        for rule, fault, remark in _rules_of(file, path):
            if fault or remark:
                _tell((*place, "files", index), fault, remark, report, warn)
            if rule is not None:
                found[rule.listed].append(rule)
        directories.extend(os.path.realpath(Path(file.base) / Path(text).expanduser()) for text in file.directories)
    if "/" in directories:
        report((*place, "additionalDirectories"), 0, "expected folders below `/`, which is everything")
    lists = {listed: tuple(rules) for listed, rules in found.items()}
    return PermissionLists(
        deny=lists[Listed.DENY],
        ask=lists[Listed.ASK],
        allow=lists[Listed.ALLOW],
        directories=tuple(dict.fromkeys(directories)),
    )


def _tell(place: Place, fault: str, remark: str, report: ReportAt, warn: Warn) -> None:
    if fault:
        report(place, 0, fault)
    if remark:
        warn(place, remark)


def _rules_of(file: SettingsFile, path: Path) -> Iterator[tuple[PermissionRule | None, str, str]]:
    """Each rule of a file, or what is wrong with it, and what has to be said of it."""
    for fault in file.faults:
        yield None, fault, ""
    for remark in file.remarks:
        yield None, "", remark
    for rule in file.rules:
        read = read_rule(rule.text, rule.listed, source=f"{path}: {rule.key}", anchor=file.anchor)
        if isinstance(read, Fault):
            where = f":{rule.line}:{rule.column + read.offset}" if rule.line else ""
            yield None, f"{path}{where}: {rule.key}: {read.message}", ""
        else:
            yield read.rule, "", f"{path}: {rule.key}: `{shown(rule.text)}`: {read.remark}" if read.remark else ""
