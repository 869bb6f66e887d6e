"""How servers are reached: what a shape alone cannot say about them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from ringfence.app.config.names import Report
from ringfence.app.config.problems import Path as Place
from ringfence.app.config.secret_values import looks_like_credential
from ringfence.app.config.settings import (
    AuthorizationSettings,
    ControlSettings,
    Era,
    SecretSettings,
    ServerConnection,
    TransportKind,
    Value,
    VaultSettings,
)
from ringfence.core.model.identifiers import ServerId
from ringfence.ports.secrets import SecretRef

_OWNED_HEADERS = frozenset(
    {
        *("host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "upgrade", "te"),
        *("trailer", "keep-alive", "accept", "accept-encoding", "expect", "proxy-connection", "last-event-id"),
    }
)


def check_server(path: Place, fields: Mapping[str, Any], given: Collection[str], report: Report, warn: Report) -> None:
    """Faults of one server that only show when its keys are seen together. `given` has every key as written."""
    if ("command" in given) == ("url" in given):
        report(path, "expected either `command` or `url`" + (", found both" if "url" in given else ""))
    for key, owner in (("cwd", "command"), ("env", "command"), ("headers", "url"), ("first_byte", "url")):
        other = "url" if owner == "command" else "command"
        if key in given and other in given and owner not in given:
            report((*path, key), f"`{key}` goes with `{owner}`, not with `{other}`")
    if "url" in fields:
        check_url((*path, "url"), fields["url"], report, warn)
    for name in fields.get("headers", {}):
        if is_owned_header(name):
            report((*path, "headers", name), f"`{name}` is set by the gateway and cannot be configured")
    for key in ("env", "headers"):
        for name, value in fields.get(key, {}).items():
            if isinstance(value, str) and looks_like_credential(name, value):
                warn(
                    (*path, key, name),
                    'looks like a credential written into the file: use `{from: "env:NAME"}` or `{from: "file:PATH"}`',
                )
    for index, part in enumerate(fields.get("command", [])[1:], start=1):
        name, _, value = (part or "").partition("=")
        if looks_like_credential(name if value else "", value or part or ""):
            warn((*path, "command", index), "looks like a credential in an argument, where other local users see it: use `env`")


def is_owned_header(name: str) -> bool:
    """Whether nobody but the gateway writes this header."""
    return name.lower() in _OWNED_HEADERS or name.lower().startswith("mcp-")


def check_url(path: Place, url: str, report: Report, warn: Report) -> None:
    """A URL must have a host and hold no credential; without TLS it should stay on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        report(path, "not a URL")
        return
    if not host:
        report(path, "the URL has no host")
        return
    if parts.username is not None or parts.password is not None:
        report(path, "the URL holds a user name or password: use `headers` with `{from: ...}`")
    if parts.fragment:
        report(path, "the URL has a fragment (`#...`)")
    if any(looks_like_credential(name, value) for name, value in parse_qsl(parts.query)):
        warn(path, "the query of the URL looks like it holds a credential: use `headers` with `{from: ...}`")
    if parts.scheme == "http" and not is_loopback(host):
        warn(path, "http without TLS to another machine: everything sent can be read and changed on the way")


def check_issuer(path: Place, url: str, report: Report, warn: Report) -> None:
    """An issuer is what RFC 8414, section 2, says: https, no query, no fragment; on this machine http will do."""
    check_url(path, url, report, warn)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return
    if parts.scheme == "http" and host and not is_loopback(host):
        report(path, "an issuer on another machine needs https")
    if parts.query or "?" in url:
        report(path, "an issuer has no query (`?...`)")


def is_loopback(host: str) -> bool:
    """Whether a URL's host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def connection_of(server: str, fields: Mapping[str, Any], folder: Path) -> ServerConnection:
    """The connection of one checked server. Relative folders count from the file's."""
    era = Era(fields.get("era", "auto"))
    if "url" in fields:
        return ServerConnection(
            id=ServerId(server),
            kind=TransportKind.HTTP,
            url=fields["url"],
            headers=_values(fields.get("headers", {}), folder),
            era=era,
            first_byte_s=float(fields.get("first_byte", 30)),
        )
    return ServerConnection(
        id=ServerId(server),
        kind=TransportKind.STDIO,
        command=tuple(fields["command"]),
        cwd=folder / fields.get("cwd", "."),
        env=_values(fields.get("env", {}), folder),
        era=era,
    )


def authorization_of(fields: Mapping[str, Any]) -> AuthorizationSettings:
    return AuthorizationSettings(issuers=tuple(dict.fromkeys(fields.get("issuers", []))))


def control_of(fields: Mapping[str, Any]) -> ControlSettings:
    return ControlSettings(public_url=fields.get("public_url", "").rstrip("/"))


def check_secrets(values: Mapping[str, Any], report: Report, warn: Report) -> None:
    """The vault's address, and that references to a vault have one to go to."""
    vault = values.get("secrets", {}).get("vault")
    if vault is not None:
        if "address" in vault:
            check_url(("secrets", "vault", "address"), vault["address"], report, warn)
        if str(vault.get("token", {}).get("from", "")).startswith("vault:"):
            report(("secrets", "vault", "token"), "the vault's own token cannot be in the vault")
        return
    for place in _vault_references((), values):
        report(place, "refers to a vault, and `secrets: vault:` names none")


def _vault_references(place: Place, value: Any) -> Iterator[Place]:
    if isinstance(value, Mapping):
        known = cast("Mapping[str, Any]", value)
        if len(known) == 1 and str(known.get("from", "")).startswith("vault:"):
            yield place
        for key, inner in known.items():
            yield from _vault_references((*place, key), inner)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(cast("list[Any]", value)):
            yield from _vault_references((*place, index), inner)


def secrets_of(fields: Mapping[str, Any], folder: Path) -> SecretSettings:
    vault = fields.get("vault")
    if vault is None:
        return SecretSettings()
    return SecretSettings(
        vault=VaultSettings(
            address=vault["address"].rstrip("/"),
            token=secret_ref(vault["token"], folder),
            namespace=vault.get("namespace", ""),
        )
    )


def secret_ref(written: Mapping[str, Any], folder: Path) -> SecretRef:
    """The reference in a checked `{from: ...}`."""
    return SecretRef(written["from"], str(folder))


def _values(fields: Mapping[str, Any], folder: Path) -> dict[str, Value]:
    return {name: value if isinstance(value, str) else secret_ref(value, folder) for name, value in fields.items()}
