"""What a person should know before trusting a server: how it is started and reached. Its texts: core.definitions.suspicion."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePath
from urllib.parse import urlsplit

from ringfence.app.config.connections import is_loopback
from ringfence.app.config.settings import ServerConnection
from ringfence.core.explaining.plain_text import plain

_NODE_RUNNERS = frozenset({"npx", "bunx", "pnpx"})
_PYTHON_RUNNERS = frozenset({"uvx", "pipx"})
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "fish", "cmd", "cmd.exe", "powershell", "pwsh"})
_CONTAINERS = frozenset({"docker", "podman"})
_TAKES_VALUE = frozenset({"--from", "-p", "--package", "--with", "--python", "--index-url", "--registry", "-c", "--call"})


def connection_findings(connection: ServerConnection) -> list[str]:
    """What is doubtful about how a server is started or reached."""
    found: list[str] = []
    if connection.url:
        parts = urlsplit(connection.url)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            found.append("http without TLS to another machine: everything sent can be read and changed on the way")
        return found
    program, *arguments = connection.command
    program = PurePath(program).name.lower()
    if program == "sudo":
        found.append("started with sudo: it may do anything on this machine")
    if program in _SHELLS:
        found.append("started through a shell: what really runs is not what is listed here")
        if re.search(r"\b(?:curl|wget|iwr)\b", " ".join(arguments)):
            found.append("downloads something and may run it at every start")
    found += [finding for finding in (_unpinned(program, arguments),) if finding]
    return found


def _unpinned(program: str, arguments: list[str]) -> str:
    if program in _NODE_RUNNERS or (program in ("npm", "pnpm", "yarn") and arguments[:1] in (["exec"], ["dlx"])):
        package = _package(arguments, skip=("exec", "dlx"))
        version = package.rpartition("@")[2] if "@" in package[1:] else ""
        if package and (not version or not version[:1].isdigit()):
            return f"`{plain(package)}` is fetched in whatever version is newest at each start: pin it (`name@1.2.3`)"
    if program in _PYTHON_RUNNERS or (program == "uv" and arguments[:2] == ["tool", "run"]):
        package = _package(arguments, skip=("run", "tool"))
        pinned = re.search(r"==\s*\d|@\d|@[0-9a-f]{40}\b", package)
        if package and not pinned and not package.startswith((".", "/")):
            return f"`{plain(package)}` is fetched in whatever version is newest at each start: pin it (`name==1.2.3`)"
    if program in _CONTAINERS and arguments[:1] == ["run"]:
        image = next(
            (part for part in arguments[1:] if re.fullmatch(r"[a-z0-9][\w./:@-]*", part) and ("/" in part or ":" in part)), ""
        )
        if "@sha256:" not in image:
            return "the container image is not named by its digest: what runs can change (`image@sha256:...`)"
    return ""


def _package(arguments: list[str], skip: Collection[str]) -> str:
    """The package that a runner fetches: the value of `--from` or `-p`, or the first argument that is no option."""
    previous = ""
    first = ""
    for part in arguments:
        if previous in ("--from", "-p", "--package"):
            return part
        if part.startswith(("--from=", "--package=")):
            return part.partition("=")[2]
        if not first and not part.startswith("-") and previous not in _TAKES_VALUE and part not in skip:
            first = part
        previous = part
    return first
