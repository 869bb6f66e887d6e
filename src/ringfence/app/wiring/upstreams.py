"""Wires the servers that are configured: each to the adapter that reaches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ringfence.adapters.system.entropy import SystemEntropy
from ringfence.adapters.upstream.backoff import jitter_of
from ringfence.adapters.upstream.http.upstream import HttpUpstream
from ringfence.adapters.upstream.missing import MissingUpstream
from ringfence.adapters.upstream.options import HttpOptions, StdioOptions
from ringfence.adapters.upstream.stdio import StdioUpstream
from ringfence.adapters.wire.mcp import Era as WireEra
from ringfence.app.config.settings import Era, SecretSettings, ServerConnection, TransportKind, Value
from ringfence.app.wiring.secrets import build_secrets, passed_on
from ringfence.app.wiring.server_boxes import ServerBoxing
from ringfence.engine.secrets.secret_book import SecretBook
from ringfence.errors import ConfigError
from ringfence.ports.secrets import SecretRef
from ringfence.ports.upstream import Upstream

_ERAS = {Era.AUTO: None, Era.LEGACY: WireEra.LEGACY, Era.MODERN: WireEra.MODERN}


def build_upstream(
    connection: ServerConnection, secrets: SecretBook, redact: Callable[[str], str] = str, boxing: ServerBoxing | None = None
) -> Upstream:
    """The adapter of one configured server; one that cannot be used says why, and stops only what needs it."""
    jitter = jitter_of(SystemEntropy())
    try:
        if connection.kind is TransportKind.HTTP:
            headers, late = _told_apart(connection.headers)
            given: Mapping[str, Value] = late
            if connection.exchange is not None:
                # One of them may give way to a user's token: none is written once and for all.
                headers, given = {}, connection.headers
            return HttpUpstream(
                HttpOptions(
                    url=connection.url,
                    headers=headers,
                    late_headers=secrets.values(given) if given else None,
                    on_behalf=connection.exchange.target if connection.exchange is not None else "",
                    era=_ERAS[connection.era],
                    first_byte_s=connection.first_byte_s,
                ),
                jitter,
            )
        given, late = _told_apart(connection.env)
        if connection.box is not None:
            boxing = boxing or ServerBoxing()
            return StdioUpstream(
                StdioOptions(
                    command=connection.command[0],
                    box=boxing.of(connection, connection.box),
                    env=given,
                    late_env=secrets.values(late) if late else None,
                    era=_ERAS[connection.era],
                    hidden=frozenset(given.values()),
                    redact=redact,
                ),
                jitter,
            )
        return StdioUpstream(
            StdioOptions(
                command=connection.command[0],
                args=connection.command[1:],
                env={**passed_on(), **given},
                late_env=secrets.values(late) if late else None,
                cwd=str(connection.cwd) if connection.cwd else None,
                era=_ERAS[connection.era],
                hidden=frozenset(given.values()),
                redact=redact,
            ),
            jitter,
        )
    except ConfigError as error:
        return MissingUpstream(str(error))


def _told_apart(values: Mapping[str, Value]) -> tuple[dict[str, str], dict[str, SecretRef]]:
    """Literals, and references."""
    literals = {name: value for name, value in values.items() if isinstance(value, str)}
    return literals, {name: value for name, value in values.items() if isinstance(value, SecretRef)}


async def list_tools_of(connection: ServerConnection) -> tuple[Mapping[str, Any], ...]:
    """Connect to one server, list its tools, let go of it. Raises UnavailableError."""
    secrets = build_secrets(SecretSettings())
    upstream = build_upstream(connection, secrets)
    try:
        return (await upstream.describe()).tools
    finally:
        await upstream.close()
        await secrets.close()
