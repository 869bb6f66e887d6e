"""Whether a modern request says in its headers what it says in its body. Pure.

A test holds it against the ladder of the official SDK (why it is not used here: `adapters/wire/mcp_names.py`).

Source: MCP 2026-07-28, basic (fields of each request), transports (standard headers).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ringfence.adapters.wire.mcp_names import (
    CLIENT_CAPABILITIES_META_KEY,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    PROTOCOL_VERSION_META_KEY,
    decode_header_value,
)


def envelope_fault(method: str, params: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[int, str] | None:
    """The code and the words of the first thing that is wrong, None where nothing is. Names of `headers` are in lower case."""
    found = params.get("_meta")
    if not isinstance(found, dict):
        return (
            INVALID_PARAMS,
            f"params._meta must be an object with {PROTOCOL_VERSION_META_KEY!r} and capabilities",
        )
    meta = cast("dict[str, Any]", found)
    if missing := [key for key in (PROTOCOL_VERSION_META_KEY, CLIENT_CAPABILITIES_META_KEY) if key not in meta]:
        return INVALID_PARAMS, f"params._meta lacks {', '.join(missing)}"
    version = headers.get(MCP_PROTOCOL_VERSION_HEADER)
    if version is None or version != meta[PROTOCOL_VERSION_META_KEY]:
        return (
            HEADER_MISMATCH,
            f"the {MCP_PROTOCOL_VERSION_HEADER} header does not name the version of the request body",
        )
    if headers.get(MCP_METHOD_HEADER) != method:
        return HEADER_MISMATCH, f"the {MCP_METHOD_HEADER} header does not name the method of the request body"
    bearer = NAME_BEARING_METHODS.get(method)
    name = params.get(bearer) if bearer is not None else None
    if name is not None and decode_header_value(headers.get(MCP_NAME_HEADER)) != name:
        return (
            HEADER_MISMATCH,
            f"the {MCP_NAME_HEADER} header does not say what {bearer!r} of the request body says",
        )
    if not isinstance(meta[CLIENT_CAPABILITIES_META_KEY], dict):
        return INVALID_PARAMS, "the client capabilities of the envelope must be an object"
    # Neither may be left to whoever reads one of both: a name that the body lacks, and one on a method that bears none.
    if MCP_NAME_HEADER in headers and (bearer is None or bearer not in params):
        return HEADER_MISMATCH, f"the {MCP_NAME_HEADER} header names what the request body does not"
    return None
