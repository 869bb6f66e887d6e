"""Secrets that the configuration names: told from ordinary values, and read when they are needed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from ringfence.app.config.settings import SecretRef, Value
from ringfence.errors import ConfigError

MAX_SECRET_BYTES = 64 * 1024
_NAME = re.compile(
    r"(?:^|[^a-z])(?:pass(?:word|wd|phrase)?|pwd|secrets?|tokens?|credentials?|auth|authorization|bearer|cookie|pat|dsn)(?:$|[^a-z])"
    r"|(?:api|access|private|signing|encryption|service|secret|account)[_-]?key|^key$",
    re.IGNORECASE,
)
_SHAPE = re.compile(
    r"(?i:bearer|basic)\s+\S{8,}|-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abeoprs]-[\w-]{8,}|\bA(?:KI|SI)A[0-9A-Z]{16}\b|\bAIza[\w-]{30,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.|[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"
)
_RANDOM = re.compile(r"(?=\S*[0-9])(?=\S*[A-Za-z])[A-Za-z0-9+=_-]{32,}")


def looks_like_credential(name: str, value: str) -> bool:
    """Whether a literal under this name is probably a credential. Errs towards yes; an empty value is none."""
    if not value or re.fullmatch(r"\$\{[^}]*\}", value):
        return False
    camel = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return bool(_NAME.search(camel) or _SHAPE.search(value) or _RANDOM.fullmatch(value))


def resolve(value: Value, environment: Mapping[str, str]) -> str:
    """The literal, or the secret that a reference names.

    Raises: ConfigError, naming the reference and never its value: a variable that is unset or empty, a file that is
    missing, empty, larger than 64 KiB, not a regular file, not UTF-8, or readable by group or others.
    """
    if isinstance(value, str):
        return value
    kind, _, name = value.source.partition(":")
    if kind == "env":
        found = environment.get(name, "")
        if not found:
            raise ConfigError(
                f"the secret `{value.source}` is not set", remedy=f"Set the environment variable {name} before starting."
            )
        return found
    return _from_file(value, value.folder / name)


def resolve_all(values: Mapping[str, Value], environment: Mapping[str, str]) -> dict[str, str]:
    """`resolve` for a whole `env` or `headers` mapping. Raises: ConfigError."""
    return {name: resolve(value, environment) for name, value in values.items()}


def resolve_secret(reference: SecretRef, environment: Mapping[str, str]) -> str:
    """`resolve` for one reference. Raises: ConfigError."""
    return resolve(reference, environment)


def _from_file(reference: SecretRef, path: Path) -> str:
    try:
        # Non-blocking: a FIFO planted in its place must not hang the start.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ConfigError(f"the secret `{reference.source}` is not a regular file")
            if status.st_mode & 0o077:
                raise ConfigError(
                    f"the secret `{reference.source}` is open to other users (mode {stat.S_IMODE(status.st_mode):04o})",
                    remedy=f"chmod 600 {path}",
                )
            data = os.read(descriptor, MAX_SECRET_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else "unreadable"
        raise ConfigError(f"the secret `{reference.source}` cannot be read: {why}") from None
    if len(data) > MAX_SECRET_BYTES:
        raise ConfigError(f"the secret `{reference.source}` is larger than {MAX_SECRET_BYTES} bytes")
    try:
        text = data.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError(f"the secret `{reference.source}` is not UTF-8") from None
    if not text:
        raise ConfigError(f"the secret `{reference.source}` is empty")
    return text
