"""TLS of the data plane, and whom a client certificate was issued for.

Source: RFC 8446; RFC 8705, section 3 (certificate-bound credentials); RFC 9325 (recommendations for TLS).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import ssl
import stat
from pathlib import Path
from typing import Any

from ringfence.adapters.pep.mcp_gateway.peer import PeerCertificate
from ringfence.errors import ConfigError


def server_context(cert: Path, key: Path, *, client_ca: Path | None, client_certs_required: bool) -> ssl.SSLContext:
    """A context for a listener, from PEM files. Raises: ConfigError."""
    _check_private(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # A resumed connection would not show its certificate again, however long ago that expired.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    try:
        context.load_cert_chain(cert, key, password="")
        if client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED if client_certs_required else ssl.CERT_OPTIONAL
            context.verify_flags |= ssl.VERIFY_X509_STRICT
            context.load_verify_locations(client_ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"listen.tls cannot be used: {error}", remedy="check the PEM files that it names") from error
    return context


def certificate_of(transport: asyncio.Transport) -> PeerCertificate | None:
    """The verified client certificate of a new connection; None where it showed none."""
    connection: Any = transport.get_extra_info("ssl_object")
    if connection is None:
        return None
    raw: bytes | None = connection.getpeercert(binary_form=True)
    fields: dict[str, Any] = connection.getpeercert() or {}
    if not raw or "notAfter" not in fields:
        return None  # nothing was verified
    return PeerCertificate(
        thumbprint=base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).rstrip(b"=").decode(),
        uris=tuple(value for kind, value in fields.get("subjectAltName", ()) if kind == "URI"),
        until=int(ssl.cert_time_to_seconds(fields["notAfter"])) * 1000,
    )


def _check_private(key: Path) -> None:
    try:
        mode = os.stat(key).st_mode
    except OSError as error:
        raise ConfigError(f"{key}: cannot be read: {error.strerror}", remedy="check `listen.tls.key`") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{key}: group or others can read this private key", remedy=f"chmod 600 {key}")
