"""The servers of a client's MCP configuration: `.mcp.json` of Claude clients (`mcpServers`), `.vscode/mcp.json` (`servers`).

Credentials written into the file are used to list tools and never copied: what is to be written names a variable instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ringfence.app.assessment.findings import connection_findings
from ringfence.app.config.layout import RESERVED_SERVER_IDS
from ringfence.app.config.secret_values import looks_like_credential
from ringfence.app.config.settings import ServerConnection, TransportKind, Value
from ringfence.core.explaining.plain_text import plain
from ringfence.core.model.identifiers import ServerId
from ringfence.core.strict_json.canonical import parse_strict
from ringfence.errors import ConfigError, RequestError
from ringfence.ports.secrets import SecretRef

REPLACE_ME = "REPLACE-ME"
"""Stands where a credential was that cannot be written as a reference."""
MAX_BYTES = 1 << 20
MAX_SERVERS = 100
_ASKED = re.compile(r"\$\{input:[^}]*\}")
_ANY = "x"
"""Instead of a value, where the name alone has to tell."""
_VARIABLE = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundServer:
    """One server of a client's file."""

    id: ServerId
    name: str
    """As the file has it: untrusted text."""
    connection: ServerConnection | None
    """How to reach it now, credentials included; None where it cannot be used."""
    written: ServerConnection | None
    """The same as it should stand in `ringfence.yaml`: no credential."""
    problem: str = ""
    notes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    """Where a credential is written into the file: `env.NAME`, `headers.NAME`, `args`, `url`. Never the value."""
    borrowed: tuple[str, ...] = ()
    """Variables of the client's own environment whose names say that they hold credentials."""
    bearers: tuple[str, ...] = ()
    """Headers that carry a credential: bound to nobody, so whoever learns one can use it from anywhere."""


def read_mcp_json(path: Path, environment: Mapping[str, str]) -> tuple[FoundServer, ...]:
    """The servers of a client's MCP configuration, in the order of the file.

    Raises: ConfigError for a file that cannot be read, is not JSON or has no servers. One bad server is a `problem` of its own.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}", remedy="Name your client's MCP configuration."
        ) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes")
    try:
        document = parse_strict(data)
    except RequestError as error:
        raise ConfigError(f"{path}: {error}", remedy="Plain JSON is expected: no comments, no trailing commas.") from error
    servers = next((document[key] for key in ("mcpServers", "servers") if _has(document, key)), None)
    if not isinstance(servers, Mapping) or not servers:
        raise ConfigError(f"{path}: no `mcpServers` (or `servers`) in it", remedy="Name your client's MCP configuration.")
    if len(servers) > MAX_SERVERS:
        raise ConfigError(f"{path}: {len(servers)} servers; at most {MAX_SERVERS} are read")
    folder = path.absolute().parent
    return found_servers(servers, folder.parent if folder.name == ".vscode" else folder, environment)


def found_servers(servers: Mapping[str, Any], root: Path, environment: Mapping[str, str]) -> tuple[FoundServer, ...]:
    """The servers of one mapping from name to entry. `root` is the client's working folder."""
    taken: set[str] = set()
    return tuple(_found(name, value, root, environment, taken) for name, value in servers.items())


def legal_id(name: str, taken: set[str]) -> ServerId:
    """A server id made from a client's name for it, and not taken yet; added to `taken`."""
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:24].strip("-") or "server"
    found, number = base, 2
    while found in taken or found in RESERVED_SERVER_IDS:
        found = f"{base[: 23 - len(str(number))]}-{number}"
        number += 1
    taken.add(found)
    return ServerId(found)


def _has(document: Any, key: str) -> bool:
    return isinstance(document, Mapping) and isinstance(document.get(key), Mapping)


@dataclass(slots=True)
class _Reading:
    """One server while it is read."""

    id: str
    root: Path
    environment: Mapping[str, str]
    notes: list[str] = field(default_factory=list[str])
    findings: list[str] = field(default_factory=list[str])
    literals: list[str] = field(default_factory=list[str])
    borrowed: list[str] = field(default_factory=list[str])
    bearers: list[str] = field(default_factory=list[str])

    def expand(self, text: str) -> tuple[str, list[str]]:
        """The text with the client's variables filled in, and the names of those that were used."""
        used: list[str] = []

        def value(match: re.Match[str]) -> str:
            used.append(match[1])
            name, default = match.groups(default="")
            if name not in self.environment and match[2] is None:
                self.notes.append(f"the variable {name} is not set here")
            return self.environment.get(name, default)

        text = text.replace("${workspaceFolder}", str(self.root))
        if re.search(r"\$\{input:", text):
            self.notes.append("a value is asked for by the client (`${input:...}`)")
        return _VARIABLE.sub(value, text), used

    def values(self, fields: Any, what: str) -> tuple[dict[str, Value], dict[str, Value]]:
        """`env` or `headers`: as to be used now, and as to be written."""
        now: dict[str, Value] = {}
        written: dict[str, Value] = {}
        for name, raw in (fields if isinstance(fields, Mapping) else {}).items():
            if not isinstance(name, str) or not isinstance(raw, str | int | float | bool):
                self.notes.append(f"an entry of `{what}` is not text: left out")
                continue
            text = raw if isinstance(raw, str) else str(raw).lower() if isinstance(raw, bool) else str(raw)
            now[name], used = self.expand(text)
            self.remember(what, name, text, used)
            if whole := _VARIABLE.fullmatch(text):
                written[name] = SecretRef(f"env:{whole[1]}")
            elif used or "${input:" in text:
                written[name] = self.reference(name, f"`{what}.{plain(name)}` is put together from a variable")
            elif looks_like_credential(name, text):
                self.findings.append(f"a credential is written into the file (`{what}.{plain(name)}`)")
                written[name] = self.reference(name, f"`{what}.{plain(name)}` held a credential")
            else:
                written[name] = now[name]
        return now, written

    def remember(self, what: str, name: str, text: str, used: list[str]) -> None:
        """Where the credential of an entry stands, if it is one."""
        borrowed = [variable for variable in used if looks_like_credential(variable, _ANY) or looks_like_credential(name, _ANY)]
        self.borrowed += borrowed
        # What stands beside a variable, or instead of one that is not set, is written into the file all the same.
        rest = _ASKED.sub("", _VARIABLE.sub(lambda match: match[2] or "", text))
        alone = rest == text or _VARIABLE.fullmatch(text) is not None
        literal = looks_like_credential(name if alone else "", rest)
        if literal:
            self.literals.append(f"{what}.{plain(name)}")
        if what == "headers" and (literal or borrowed or looks_like_credential(name, text)):
            self.bearers.append(plain(name))

    def reference(self, name: str, why: str) -> SecretRef:
        variable = re.sub(r"[^A-Z0-9]+", "_", f"{self.id}_{name}".upper()).strip("_")
        variable = variable if not variable[:1].isdigit() else f"_{variable}"
        self.notes.append(f"{why}: set {variable} to the whole value before `ringfence up`")
        return SecretRef(f"env:{variable}")

    def arguments(self, raw: list[str]) -> tuple[list[str], list[str]]:
        """A command line: as to be used now, and as to be written."""
        now: list[str] = []
        written: list[str] = []
        option = ""
        for text in raw:
            expanded, used = self.expand(text)
            assigned = expanded.startswith("-") and "=" in expanded
            name, _, value = expanded.partition("=") if assigned else (option, "", expanded)
            secret = any(looks_like_credential(variable, value) for variable in used) or looks_like_credential(name, value)
            now.append(expanded)
            if secret and not value.startswith("-") and not (value.isdigit() and len(value) < 6):
                written.append(f"{name}={REPLACE_ME}" if assigned else REPLACE_ME)
                self.findings.append("a credential is passed as an argument, where other local users see it")
                if used:
                    self.borrowed += used
                else:
                    self.literals.append("args")
                self.notes.append(f"an argument held a credential: written as {REPLACE_ME}; pass it by `env` if the server can")
            else:
                written.append(expanded)
            option = expanded if expanded.startswith("-") and not assigned else ""
        return now, written

    def url(self, raw: str) -> tuple[str, str]:
        """An address: as to be used now, and without credentials."""
        now, _ = self.expand(raw)
        parts = urlsplit(now)
        netloc = parts.netloc.rpartition("@")[2]
        query = [(name, REPLACE_ME if looks_like_credential(name, value) else value) for name, value in parse_qsl(parts.query)]
        hidden = netloc != parts.netloc or any(value == REPLACE_ME for _, value in query)
        if not hidden:
            return now, urlunsplit(parts._replace(fragment=""))
        self.findings.append("a credential is written into the address")
        self.literals.append("url")
        self.notes.append("the address held a credential: it is left out; pass it in `headers`")
        return now, urlunsplit(parts._replace(netloc=netloc, query=urlencode(query), fragment=""))


def _found(name: str, value: Any, root: Path, environment: Mapping[str, str], taken: set[str]) -> FoundServer:
    server = legal_id(name, taken)
    reading = _Reading(server, root, environment)
    if server != name:
        reading.notes.append(f"called `{plain(name)}` in the client's file: ids are a-z, 0-9 and `-`, at most 24 characters")
    now: ServerConnection | None = None
    written: ServerConnection | None = None
    problem = ""
    try:
        now, written = _connections(server, value, reading)
    except ValueError as error:
        problem = str(error)
    if now is not None:
        reading.findings += connection_findings(now)
    notes, findings = tuple(dict.fromkeys(reading.notes)), tuple(dict.fromkeys(reading.findings))
    return FoundServer(
        id=server,
        name=name,
        connection=now,
        written=written,
        problem=problem,
        notes=notes,
        findings=findings,
        literals=tuple(dict.fromkeys(reading.literals)),
        borrowed=tuple(dict.fromkeys(reading.borrowed)),
        bearers=tuple(dict.fromkeys(reading.bearers)),
    )


def _connections(server: ServerId, value: Any, reading: _Reading) -> tuple[ServerConnection, ServerConnection]:
    """Raises: ValueError with a reason in words."""
    if not isinstance(value, Mapping):
        raise ValueError("its entry is not an object")
    fields = cast("Mapping[str, Any]", value)
    kind = str(fields.get("type") or fields.get("transport") or ("http" if "url" in fields else "stdio")).lower()
    if kind == "sse":
        # What it is reached with is told of all the same.
        reading.values(fields.get("headers"), "headers")
        raise ValueError("it speaks the old HTTP+SSE transport, which is not supported: use its streamable HTTP endpoint")
    if kind in ("http", "streamable-http", "streamablehttp"):
        if not isinstance(fields.get("url"), str):
            raise ValueError("its entry has no `url`")
        address, address_written = reading.url(fields["url"])
        headers, headers_written = reading.values(fields.get("headers"), "headers")
        return (
            ServerConnection(id=server, kind=TransportKind.HTTP, url=address, headers=headers),
            ServerConnection(id=server, kind=TransportKind.HTTP, url=address_written, headers=headers_written),
        )
    if kind != "stdio":
        raise ValueError(f"its transport `{plain(kind)}` is not known")
    raw = fields.get("args", [])
    if not isinstance(fields.get("command"), str) or not fields["command"]:
        raise ValueError("its entry has no `command`")
    if not isinstance(raw, list) or not all(isinstance(part, str) for part in cast("list[Any]", raw)):
        raise ValueError("its `args` are not a list of texts")
    command, command_written = reading.arguments([fields["command"], *cast("list[str]", raw)])
    env, env_written = reading.values(fields.get("env"), "env")
    folder = reading.root
    if isinstance(fields.get("cwd"), str):
        folder = folder / Path(reading.expand(fields["cwd"])[0]).expanduser()
    return (
        ServerConnection(id=server, kind=TransportKind.STDIO, command=tuple(command), cwd=folder, env=env),
        ServerConnection(id=server, kind=TransportKind.STDIO, command=tuple(command_written), cwd=folder, env=env_written),
    )
