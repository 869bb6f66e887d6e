"""Which headers of a client reach a model, and which of a model's reach the client. Pure.

Lists of what passes, not of what does not: a credential, a cookie or the name of a machine never leaves because somebody forgot
to name it. Betas pass as they are, whatever they are called. No other `anthropic-` header of a client does: some choose in
whose name the operator's key acts (`anthropic-workspace-id`, `anthropic-user-profile-id`), which is the operator's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringfence.adapters.served.headers import bearer_in, possible
from ringfence.core.mcp.client_meta import ClientMeta, client_meta

_OUT: Final = frozenset({"content-type", "accept", "user-agent", "x-app", "anthropic-version", "anthropic-beta"})
_BACK: Final = frozenset({"content-type", "cache-control", "request-id", "retry-after", "retry-after-ms", "x-should-retry"})
_VENDOR: Final = "anthropic-"
_JSON: Final = "application/json"
_SAID: Final = {
    "x-claude-code-session-id": "session",
    "x-claude-code-agent-id": "agent",
    "x-claude-code-parent-agent-id": "parent_agent",
    "user-agent": "client",
}
_LONGEST_SAID: Final = 200


def credential_in(headers: Mapping[str, str]) -> str | None:
    """The credential: as API key, as bearer token, or as both. Empty: there is none. None: two different ones."""
    key, token = headers.get("x-api-key", ""), bearer_in(headers)
    return None if key and token and key != token else possible(key or token)


def outward(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What goes on to the model. The type is the one as which the body was read: with no charset, by which a server may read
    other words."""
    return tuple((name, _JSON if name == "content-type" else value) for name, value in headers.items() if name in _OUT)


def back(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """What goes back to the client."""
    return [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in headers.items()
        if name in _BACK or name.startswith(_VENDOR)
    ]


def trace(headers: Mapping[str, str]) -> ClientMeta:
    """The client's span that a request belongs to (W3C Trace Context)."""
    return client_meta({name: headers[name] for name in ("traceparent", "tracestate") if name in headers})


def said(headers: Mapping[str, str]) -> dict[str, str]:
    """What the client says of itself. It is recorded and never believed."""
    return {name: headers[header][:_LONGEST_SAID] for header, name in _SAID.items() if headers.get(header)}
