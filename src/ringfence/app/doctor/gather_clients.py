"""Credentials in the configuration files of agents' clients: Claude's, VS Code's, Cursor's. Read as `assess` reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

from ringfence.app.assessment.mcp_json import MAX_SERVERS, FoundServer, found_servers
from ringfence.app.doctor.facts import Holds, Source, Unseen
from ringfence.app.doctor.gather_environment import holds_of
from ringfence.app.doctor.gather_texts import Texts
from ringfence.core.explaining.plain_text import plain
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import RequestError

OF_PROJECT: Final = (
    ".mcp.json",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".vscode/mcp.json",
    ".cursor/mcp.json",
)
OF_PERSON: Final = (
    ".claude.json",
    ".claude/settings.json",
    ".cursor/mcp.json",
    ".config/Claude/claude_desktop_config.json",
    ".config/Code/User/mcp.json",
    "Library/Application Support/Claude/claude_desktop_config.json",
    "Library/Application Support/Code/User/mcp.json",
)
OF_MACHINE: Final = ("/etc/claude-code/managed-settings.json", "/etc/claude-code/managed-mcp.json")
_OF_STATE: Final = ".claude.json"
"""It holds what was said in the past too, which is no configuration: only its servers and variables are read."""
MOST_PROJECTS: Final = 500
_OPERATORS: Final = re.compile("rf[ol]_")
"""An operator's own credential, or that of a login."""


def clients_files(home: Path, folders: tuple[Path, ...], environment: Mapping[str, str], texts: Texts) -> None:
    """Every place of a credential in the files that are there."""
    places = [(folder / name, folder) for folder in folders for name in OF_PROJECT]
    places += [(home / name, home) for name in OF_PERSON]
    places += [(Path(name), home) for name in OF_MACHINE]
    for path, root in dict(places).items():
        text = texts.text_of(path)
        if text is None:
            continue
        document: Any = None
        try:
            document = parse_strict(text.encode())
        except RequestError:
            texts.unseen.append(Unseen(what=str(path), why="it is no plain JSON, so only known formats are found in it"))
        known = list(_in_document(path, root, document, environment, texts)) if isinstance(document, Mapping) else []
        if path.name != _OF_STATE:
            texts.formats(Source.CLIENT, path, text, known)
        texts.redactor.learn_lasting(known)


def _in_document(
    path: Path, root: Path, document: Mapping[str, Any], environment: Mapping[str, str], texts: Texts
) -> Iterator[str]:
    """Adds every place, and gives the values that stand there."""
    for name, value in _mapping(document.get("env")).items():
        if isinstance(value, str) and not value.startswith("$") and (holds := holds_of(name, value, texts.scanner)):
            texts.add(Source.CLIENT, holds, f"{path}: env.{plain(name)}")
            yield value
    projects = list(_mapping(document.get("projects")).items())[:MOST_PROJECTS]
    for project, fields in [(str(root), document), *projects]:
        for key in ("mcpServers", "servers"):
            servers = dict(list(_mapping(_mapping(fields).get(key)).items())[:MAX_SERVERS])
            for server in found_servers(servers, Path(project), environment):
                yield from _in_server(path, server, texts)


def _in_server(path: Path, server: FoundServer, texts: Texts) -> Iterator[str]:
    connection, written = server.connection, server.written
    values = {f"env.{name}": value for name, value in connection.env.items()} if connection else {}
    values |= {f"headers.{name}": value for name, value in connection.headers.items()} if connection else {}
    name = plain(server.name)
    for place in server.literals:
        value = str(values.get(place, ""))
        holds = Holds.RUN if "rfr_" in value else Holds.OPERATOR if _OPERATORS.search(value) else Holds.SECRET
        texts.add(Source.CLIENT, holds, f"{path}: {name}: {place}")
        if value:
            yield value.rpartition(" ")[2]
    for variable in server.borrowed:
        texts.add(Source.CLIENT, Holds.REFERENCE, f"{path}: {name}: ${plain(variable)}")
    if connection and written:
        for now, shown in zip(connection.command, written.command, strict=True):
            if now != shown:
                yield now.rpartition("=")[2]


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
