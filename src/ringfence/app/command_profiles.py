"""The profiles of commands: those that come with the gateway, and those of an operator."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from ringfence.core.commands.profile import CommandProfiles, profiles
from ringfence.core.commands.readers.registry import READERS
from ringfence.errors import ConfigError

MOST_BYTES: Final = 1 << 20


def command_profiles(own: Sequence[Path] = ()) -> CommandProfiles:
    """`own`: files in the same format; what they say of a command takes the place of what we say. Raises ConfigError."""
    made = profiles([*_shipped(), *(_read(path) for path in own)])
    for name, profile in made.by_name.items():
        if profile.special and profile.special not in READERS:
            raise ConfigError(f"profile of the command {name!r}: there is no reader {profile.special!r}")
    return made


@cache
def _shipped() -> tuple[Mapping[str, Any], ...]:
    folder = resources.files("ringfence.core.commands") / "profiles"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(tomllib.loads(file.read_text("utf-8")) for file in files)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        body = path.read_bytes()
        if len(body) > MOST_BYTES:
            raise ConfigError(f"{path}: profiles of commands are longer than {MOST_BYTES} bytes")
        return tomllib.loads(body.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: profiles of commands cannot be read: {error}") from error
