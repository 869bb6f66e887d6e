"""What a person should know before trusting a server: how it is started and reached, and what its texts try to do."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from ringfence.app.assessment.texts import hides, plain
from ringfence.app.config.connections import is_loopback
from ringfence.app.config.settings import ServerConnection

MAX_TEXT = 20_000
_MOST_STRINGS = 2000
_LONG_DESCRIPTION = 4000
_NODE_RUNNERS = frozenset({"npx", "bunx", "pnpx"})
_PYTHON_RUNNERS = frozenset({"uvx", "pipx"})
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "fish", "cmd", "cmd.exe", "powershell", "pwsh"})
_CONTAINERS = frozenset({"docker", "podman"})
_TAKES_VALUE = frozenset({"--from", "-p", "--package", "--with", "--python", "--index-url", "--registry", "-c", "--call"})
_INSTRUCTIONS = tuple(
    (re.compile(pattern, re.IGNORECASE), what)
    for pattern, what in (
        (
            r"\b(?:ignore|disregard|forget)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|other)\b",
            "tell the model what to ignore",
        ),
        (r"\b(?:do not|don't|never)\s+(?:tell|mention|inform|show|reveal)\b[^.\n]{0,60}\buser", "tell the model what to hide"),
        (r"<\s*/?\s*(?:important|system|instructions?|secret|critical)\s*>", "hold a tag that poses as an instruction"),
        (r"\b(?:before|after|when(?:ever)?)\s+(?:using|calling|invoking)\s+(?:any|other|all|every)\b", "reach for other tools"),
        (r"\byou\s+(?:must|have to|should)\s+(?:always|first|never)\b", "give the model orders"),
        (r"~/\.(?:ssh|aws|gnupg|config|netrc|env)|\bid_rsa\b|/etc/(?:passwd|shadow)", "name files that hold secrets"),
    )
)


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


def text_findings(definition: Mapping[str, Any], others: Collection[str]) -> list[str]:
    """What is doubtful about the texts of a tool. `others` has the names of other servers' tools."""
    texts = list(_texts(definition))
    found: list[str] = []
    hidden = sorted({f"U+{ord(char):04X}" for text in texts for char in text if hides(char) and char not in "\n\r\t"})
    if hidden:
        found.append(f"its texts hold characters that a person does not see ({', '.join(hidden[:5])})")
    whole = "\n".join(texts)[:MAX_TEXT]
    for pattern, what in _INSTRUCTIONS:
        if match := pattern.search(whole):
            found.append(f"its texts {what}: `{plain(match[0], 60)}`")
    mentioned = sorted(
        name for name in others if _distinct(name) and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", whole)
    )
    if mentioned:
        found.append(f"its texts speak of another server's tool: `{plain(mentioned[0])}`")
    if len(str(definition.get("description") or "")) > _LONG_DESCRIPTION:
        found.append(f"its description is longer than {_LONG_DESCRIPTION} characters")
    return found


def _distinct(name: str) -> bool:
    """Whether a tool's name cannot be an ordinary word."""
    return len(name) >= 6 and bool(re.search(r"[_-]|[a-z][A-Z]", name))


def _texts(definition: Mapping[str, Any]) -> Iterator[str]:
    """Every text of a definition, keys included, within bounds."""
    stack: list[Any] = [definition]
    count = 0
    while stack and count < _MOST_STRINGS:
        value = stack.pop()
        if isinstance(value, str):
            count += 1
            yield value[:MAX_TEXT]
        elif isinstance(value, Mapping):
            stack += [*value.values(), *value.keys()]
        elif isinstance(value, list):
            stack += value
