"""The folder of policies beside a configuration file: read whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ringfence.app.config.settings import Loaded
from ringfence.core.model.identifiers import Millis
from ringfence.core.model.policy import LocalTime, Policies, Policy
from ringfence.core.own_tools.names import own_tools_of
from ringfence.core.policy.reading import MOST_POLICIES, MOST_QUORUM, read_policies
from ringfence.core.policy.vocabulary import Names
from ringfence.core.rules import GROUP
from ringfence.core.strict_json.canonical import digest_of
from ringfence.errors import ConfigError

FOLDER = "policies"
SUFFIX = ".cedar"
MAX_BYTES = 1 << 20
MOST_FILES = 200
_MOST_REPORTED = 100


def zone_of(name: str) -> tzinfo:
    """A time zone by its IANA name. Raises: ZoneInfoNotFoundError, ValueError."""
    return UTC if name == "UTC" else ZoneInfo(name)


def is_timezone(name: str) -> bool:
    """Whether this machine knows a time zone."""
    try:
        zone_of(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def local_clock(name: str) -> Callable[[Millis], LocalTime]:
    """The wall clock of a known time zone."""
    zone = zone_of(name)

    def local_time(now: Millis) -> LocalTime:
        moment = datetime.fromtimestamp(now // 1000, zone)
        return LocalTime(moment.hour, moment.minute, moment.isoweekday())

    return local_time


def with_policies(loaded: Loaded, folder: Path | None = None) -> Loaded:
    """The configuration with the policies that belong to it, or with those of another folder.

    Raises: ConfigError whose message has one line per problem, `FILE:LINE:COLUMN: what is wrong`.
    """
    named = folder or loaded.policies.folder
    where = named or loaded.path.absolute().parent / FOLDER
    if named is None and not os.path.lexists(where):
        return loaded
    files, warnings = _files(where)
    if not files:
        warnings.append(f"{where}: it holds no *{SUFFIX}, so there are no policies")
        # None, and not those that were there before: another folder may have been asked for.
        return replace(loaded, rules=replace(loaded.rules, policies=None), warnings=(*loaded.warnings, *warnings))
    policies = _policies(files, loaded)
    return replace(
        loaded,
        rules=replace(loaded.rules, policies=policies),
        warnings=(*loaded.warnings, *_unmeetable(loaded, policies), *warnings),
    )


def _policies(files: dict[Path, str], loaded: Loaded) -> Policies:
    rules = loaded.rules
    # The gateway's own tools are called too, where an agent has them: `egress.connect`, `model.messages`.
    own = {each.rule.id: each.rule.server for agent in rules.agents.values() for each in own_tools_of(agent)}
    names = Names((*rules.tools, *own), (*rules.servers, *own.values()), tuple(rules.agents))
    # Nobody here can count those whom an issuer puts into a group.
    groups = {name: len(members) + MOST_QUORUM * (name in rules.open_groups) for name, members in rules.groups.items()}
    found: list[Policy] = []
    problems: list[str] = []
    for path, text in files.items():
        policies, faults = read_policies(text, path.name, names, groups)
        problems += [f"{path}:{fault.line}:{fault.column}: {fault.message}" for fault in sorted(faults)]
        for policy in policies:
            if (other := next((one for one in found if one.id == policy.id), None)) is not None:
                line = policy.place.rpartition(":")[2]
                problems.append(f"{path}:{line}:1: the @id `{policy.id}` is taken by {other.place}")
            found.append(policy)
    if len(found) > MOST_POLICIES:
        problems.append(f"{next(iter(files)).parent}: {len(found)} policies, at most {MOST_POLICIES} are read")
    if problems:
        raise _refused(problems)
    digest = digest_of({path.name: text for path, text in files.items()})
    return Policies(digest=digest, policies=tuple(found), local_time=local_clock(loaded.policies.timezone))


def _files(folder: Path) -> tuple[dict[Path, str], list[str]]:
    """The text of every policy file in a folder, by path and in order, and what an operator should know of them."""
    try:
        if not folder.is_dir():
            raise ConfigError(f"{folder}: not a folder of policies", remedy="Correct the path, or make the folder.")
        strays = [path for path in folder.rglob(f"*{SUFFIX}") if path.parent != folder]
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be read: {error.strerror}") from error
    if strays:
        raise ConfigError(f"{strays[0]}: policies are read from {folder} itself, not from folders below it")
    if len(paths) > MOST_FILES:
        raise ConfigError(f"{folder}: {len(paths)} files, at most {MOST_FILES} are read")
    texts: dict[Path, str] = {}
    warnings: list[str] = []
    for path in paths:
        texts[path], mode = _read(path)
        if mode & stat.S_IWOTH:
            warnings.append(f"{path}:1:1: every local user can change this file, and with it what agents may do: chmod o-w")
    return texts, warnings


def _read(path: Path) -> tuple[str, int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise ConfigError(f"{path}: not a regular file")
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ConfigError(f"{path}: longer than {MAX_BYTES} bytes")
        return data.decode("utf-8"), mode
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _unmeetable(loaded: Loaded, policies: Policies) -> list[str]:
    """Groups that cannot reach their quorum among the approvers of some agent: those calls would wait in vain."""
    found: list[str] = []
    for policy in policies.policies:
        if policy.gate is None or not policy.gate.group:
            continue
        if policy.gate.group in loaded.rules.open_groups:
            continue
        members = loaded.rules.groups[policy.gate.group]
        for agent in loaded.rules.agents.values():
            named = [loaded.rules.groups[name.removeprefix(GROUP)] for name in agent.approvers if name.startswith(GROUP)]
            if agent.approvers and len(members & agent.approvers.union(*named)) < policy.gate.quorum:
                found.append(
                    f"{policy.place}: {policy.id} asks for {policy.gate.quorum} of {policy.gate.group},"
                    f" of whom fewer are among the approvers of {agent.id}"
                )
    return found


def _refused(problems: list[str]) -> ConfigError:
    shown = problems[:_MOST_REPORTED]
    if len(problems) > _MOST_REPORTED:
        shown.append(f"and {len(problems) - _MOST_REPORTED} more")
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return ConfigError("\n".join(shown), remedy=f"Nothing was applied ({count}). Check policies with `ringfence policy check`.")
