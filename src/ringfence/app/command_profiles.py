"""The profiles of commands: those that come with the gateway, and those of an operator."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from ringfence.core.commands.profile import CommandProfiles, profiles
from ringfence.core.commands.readers.registry import READERS
from ringfence.core.model.identifiers import Digest
from ringfence.errors import ConfigError

MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class OwnCommands:
    """What the files of an operator say, together with what comes with the gateway."""

    profiles: CommandProfiles
    digest: Digest
    """Of the files' bytes, in their order."""


class KnownCommands:
    """Which profiles are in force: those of the configuration that is."""

    def __init__(self, own: OwnCommands | None = None) -> None:
        self._own = own

    def replace(self, own: OwnCommands | None) -> None:
        """Another configuration is in force. What is being judged is judged by what it began with."""
        self._own = own

    def current(self) -> CommandProfiles:
        return self._own.profiles if self._own is not None else command_profiles()


def own_commands(paths: Sequence[Path]) -> OwnCommands | None:
    """What files in the format of our own profiles say: it takes the place of what we say of the same command.

    None: there are no files. Raises ConfigError, which names the file.
    """
    if not paths:
        return None
    bodies = [_read(path) for path in paths]
    tables = [_parsed(path, body) for path, body in zip(paths, bodies, strict=True)]
    try:
        made = _made(tables)
    except ConfigError:
        for count, path in enumerate(paths, 1):
            try:
                _made(tables[:count])
            except ConfigError as error:
                raise ConfigError(f"{path}: {error}") from error
        raise
    digest = hashlib.sha256(b"".join(hashlib.sha256(body).digest() for body in bodies)).hexdigest()
    return OwnCommands(made, Digest(digest))


@cache
def command_profiles() -> CommandProfiles:
    """Those that come with the gateway."""
    return _made(())


def _made(own: Iterable[Mapping[str, Any]]) -> CommandProfiles:
    made = profiles([*_shipped(), *own])
    for name, profile in made.by_name.items():
        if profile.special and profile.special not in READERS:
            raise ConfigError(f"profile of the command {name!r}: there is no reader {profile.special!r}")
    return made


@cache
def _shipped() -> tuple[Mapping[str, Any], ...]:
    folder = resources.files("ringfence.core.commands") / "profiles"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(tomllib.loads(file.read_text("utf-8")) for file in files)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: profiles of commands cannot be read: {error}") from error
    if len(body) > MOST_BYTES:
        raise ConfigError(f"{path}: profiles of commands are longer than {MOST_BYTES} bytes")
    return body


def _parsed(path: Path, body: bytes) -> Mapping[str, Any]:
    try:
        return tomllib.loads(body.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: profiles of commands cannot be read: {error}") from error
