"""Where a client without a credential may learn whose resource this is.

The answer is the same for every well-formed name: it tells nobody which servers there are.

Source: RFC 9728 (OAuth 2.0 protected resource metadata), sections 2, 3 and 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ringfence.core.strict_json.canonical import canonical_bytes

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"


def endpoint_path(server: str | None) -> str:
    return "/mcp" if server is None else f"/mcp/{server}"


def metadata(origin: str, server: str | None, issuers: Sequence[str] = (), dpop: Sequence[str] = ()) -> bytes:
    """The metadata document of one endpoint, as JSON. Where the operator named no authorization server, it names none."""
    document: dict[str, Any] = {"resource": origin + endpoint_path(server), "bearer_methods_supported": ["header"]}
    if dpop:
        document["dpop_signing_alg_values_supported"] = list(dpop)
    if issuers:
        document["authorization_servers"] = list(issuers)
    return canonical_bytes(document)


def challenge(origin: str, server: str | None, scheme: str = "Bearer") -> bytes:
    """The value of `WWW-Authenticate` at one endpoint."""
    return f'{scheme} resource_metadata="{origin}{WELL_KNOWN}{endpoint_path(server)}"'.encode("latin-1")
