"""What no installation of hooks closes, looked for on this machine without changing or reaching anything."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ringfence.app.clients.findings import Finding, Standing

_SECRETS: Final = (
    ".ssh", ".aws/credentials", ".config/gcloud", ".azure", ".kube/config", ".docker/config.json", ".netrc", ".npmrc",
    ".pypirc", ".git-credentials", ".gnupg", ".config/gh/hosts.yml", ".vault-token", ".pgpass", ".claude/.credentials.json",
    ".codex/auth.json", ".mozilla", ".config/google-chrome", ".local/share/keyrings",
)  # fmt: skip
_NAMES: Final = re.compile(r"(?i)(token|secret|passw|api_?key|credential|private_key|_key$)")
_FAR: Final = ("192.0.2.1", 9)
"""An address of documentation (RFC 5737): whether there is a way to it says whether there is a way out."""
_SHOWN: Final = 12
_FIRST_FOR_ALL: Final = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
_USUAL_FIRST: Final = 1024


def open_ends(home: Path, environment: Mapping[str, str], state: Path, settings: Mapping[str, Any] | None) -> Iterator[Finding]:
    """What is open for a client that this user starts. `settings`: what holds for Claude Code; None: another client."""
    sandbox = (settings or {}).get("sandbox")
    if not (isinstance(sandbox, dict) and sandbox.get("enabled") is True):
        yield Finding(
            "no-sandbox",
            Standing.OPEN,
            "whether commands run in a box",
            "they do not: what was allowed to run can reach whatever its user can, whatever its text said",
            'have it work in a box: ringfence run --agent AGENT --task "..." -- CLIENT',
        )
    readable = [f"~/{name}" for name in _SECRETS if os.access(home / name, os.R_OK)]
    if readable:
        yield Finding(
            "readable-secrets",
            Standing.OPEN,
            f"what of {home} a program of this user can read",
            ", ".join(readable[:_SHOWN]),
            "reading them is refused where a call shows it, but a program that was allowed to run is asked nothing: "
            "have it work as another user, or in a box",
        )
    named = sorted(name for name, value in environment.items() if value and _NAMES.search(name))
    if named:
        yield Finding(
            "secret-variables",
            Standing.OPEN,
            "names of variables in this environment",
            ", ".join(named[:_SHOWN]),
            "`ringfence claude-code run` starts the client without them",
        )
    if _has_a_way_out():
        yield Finding(
            "direct-egress",
            Standing.OPEN,
            "whether this machine has a route to anywhere (nothing was sent)",
            "it has: a program that was allowed to run can speak to anybody",
            "close it but for the gateway: a box, or a firewall for the agent's user",
        )
    yield from _same_user(state)
    if settings is not None:
        yield from _of_claude_code()


def _of_claude_code() -> Iterator[Finding]:
    yield Finding(
        "mentioned-files",
        Standing.OPEN,
        "files that a prompt mentions with `@`",
        "no hook is asked about them: only the client's Read denies hold, and name what they name",
        "name further files under `permissions.deny` as `Read(...)`, and install again",
    )
    yield Finding(
        "project-variables",
        Standing.OPEN,
        "variables that a project's settings set for commands",
        "those of shells and loaders are pinned; a program that was allowed may read others (GIT_SSH_COMMAND, ...)",
        "start clients by `ringfence claude-code run`: it refuses such projects",
    )
    yield Finding(
        "failing-commands",
        Standing.OPEN,
        "output of commands that fail",
        "no hook can mask it: the gateway ends the turn where it holds a secret, before the model is asked again",
        "send the client's model traffic through the gateway, which masks what is left",
    )


def _same_user(state: Path) -> Iterator[Finding]:
    try:
        owner = state.stat().st_uid
    except OSError:
        yield Finding(
            "same-user",
            Standing.OPEN,
            f"whose the gateway's state is ({state})",
            "there is none here to look at",
            "name it with --state",
        )
        return
    if os.geteuid() in {0, owner}:
        who = "root" if os.geteuid() == 0 else "the gateway's own user"
        yield Finding(
            "same-user",
            Standing.OPEN,
            f"whose the gateway's state is ({state})",
            f"this is {who}: a client that runs as this user can change the gateway itself",
            "run the gateway as a user of its own, and verify as the user that the client runs as",
        )


def port(url: str) -> Iterator[Finding]:
    """Whether another program can answer in the gateway's place while that is away. `url`: where hooks ask."""
    parts = urlsplit(url)
    try:
        first = int(_FIRST_FOR_ALL.read_text("ascii"))
    except (OSError, ValueError):
        first = _USUAL_FIRST
    if parts.scheme == "http" and (parts.port or 0) >= first:
        yield Finding(
            "port",
            Standing.OPEN,
            f"who may listen at {url} while the gateway does not",
            "every program of this machine: what listens there then decides in its place, and is shown the credentials of runs",
            f"have the gateway listen on a port below {first}, which a service manager gives it, and install with that --url",
        )


def _has_a_way_out() -> bool:
    """Connecting a datagram socket sends nothing: the kernel only looks for a route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        try:
            link.connect(_FAR)
        except OSError:
            return False
    return True
