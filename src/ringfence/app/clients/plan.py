"""What an installation is asked for: values that the settings of every client are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from ringfence.errors import ConfigError

GATEWAY: Final = "http://127.0.0.1:7410"
"""Where a gateway listens for agents unless it is told otherwise."""
RUN_VARIABLE: Final = "RINGFENCE_RUN"
"""The variable that carries a run's credential to its client. No TOKEN or SECRET in it: a client may empty such ones."""
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HOOK_FILE: Final = "ringfence-hook.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One installation."""

    url: str = GATEWAY
    """Scheme, host and port of the gateway, as the client reaches it."""
    interpreter: str = "/usr/bin/python3"
    """Starts the command form of the hook. Absolute."""
    hook_file: str = f"/etc/claude-code/{HOOK_FILE}"
    """Where the command form lies. Absolute."""
    path: str = PATH
    """Where commands of the client find their programs."""
    read_denies: tuple[str, ...] = ()
    """Patterns of paths that the client itself refuses to read, in the syntax of its rules."""
    direct_models: bool = False
    """Whether the client speaks to its model's maker itself, with a key of its own."""
    scrub: bool = False
    """Whether commands of the client get an environment without its credentials (needs its sandbox's programs)."""


def checked_url(url: str) -> str:
    """The gateway's address without a slash at its end.

    Raises:
        ConfigError: It is no plain http or https address of a host, or one that is not this machine without TLS.
    """
    whole = url.rstrip("/")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"`{url}` is no address of a gateway: {error}", remedy=f"expected {GATEWAY}") from error
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.username
        or whole != f"{parts.scheme}://{parts.netloc}"
    ):
        raise ConfigError(f"`{url}` is no address of a gateway", remedy=f"expected scheme, host and port: {GATEWAY}")
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "localhost"}:
        raise ConfigError(
            f"`{url}` would carry credentials and commands in the clear",
            remedy="use https, or a gateway on this machine, by 127.0.0.1 or localhost",
        )
    if parts.scheme == "http" and not port:
        raise ConfigError(f"`{url}` names no port", remedy=f"for example {GATEWAY}")
    return whole


def near_url(url: str) -> str:
    """As `checked_url`, of a gateway that the command form of the hook can ask.

    Raises:
        ConfigError: It is none.
    """
    whole = checked_url(url)
    if not whole.startswith("http:"):
        raise ConfigError(
            f"the hook of this client asks a gateway on this machine alone, not `{whole}`", remedy=f"--url {GATEWAY}"
        )
    return whole


def checked_path(path: str) -> str:
    """The absolute folders of a search path.

    Raises:
        ConfigError: There is none.
    """
    folders = [each for each in path.split(":") if each.startswith("/")]
    if not folders:
        raise ConfigError("the search path has no absolute folder", remedy=f"for example --path {PATH}")
    return ":".join(dict.fromkeys(folders))
