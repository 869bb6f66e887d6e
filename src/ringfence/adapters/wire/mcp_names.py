"""The names and numbers of MCP that both sides of the gateway use, and the codec of its header values. Pure.

They are written here again, and not taken from the official SDK, because importing any part of it builds its client, its
server and the models of every message: more than half a second in the life of each gateway and each `ringfence connect`, before
anybody hears of a tool. A test compares all of them with the SDK's.

Source: MCP revisions 2024-11-05 to 2025-11-25 and 2026-07-28: schema, and transports (standard headers, value encoding).
"""

import base64
import binascii
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LEGACY_PROTOCOL_VERSIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_PROTOCOL_VERSIONS: Final = ("2026-07-28",)

MCP_PROTOCOL_VERSION_HEADER: Final = "mcp-protocol-version"
MCP_METHOD_HEADER: Final = "mcp-method"
MCP_NAME_HEADER: Final = "mcp-name"
MCP_PARAM_HEADER_PREFIX: Final = "Mcp-Param-"
X_MCP_HEADER_KEY: Final = "x-mcp-header"
"""In an input schema: the property whose value travels in a header of its own as well."""

NAME_BEARING_METHODS: Final[Mapping[str, str]] = MappingProxyType(
    {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
)
"""By method, the parameter that stands in `Mcp-Name` as well."""

PROTOCOL_VERSION_META_KEY: Final = "io.modelcontextprotocol/protocolVersion"
CLIENT_CAPABILITIES_META_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
CLIENT_INFO_META_KEY: Final = "io.modelcontextprotocol/clientInfo"
SERVER_INFO_META_KEY: Final = "io.modelcontextprotocol/serverInfo"
SUBSCRIPTION_ID_META_KEY: Final = "io.modelcontextprotocol/subscriptionId"
LOG_LEVEL_META_KEY: Final = "io.modelcontextprotocol/logLevel"
LOG_LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""From the least severe to the most (RFC 5424)."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
HEADER_MISMATCH: Final = -32020
MISSING_REQUIRED_CLIENT_CAPABILITY: Final = -32021
UNSUPPORTED_PROTOCOL_VERSION: Final = -32022

ERROR_CODE_HTTP_STATUS: Final[Mapping[int, int]] = MappingProxyType(
    {
        PARSE_ERROR: 400,
        INVALID_REQUEST: 400,
        INVALID_PARAMS: 400,
        HEADER_MISMATCH: 400,
        MISSING_REQUIRED_CLIENT_CAPABILITY: 400,
        UNSUPPORTED_PROTOCOL_VERSION: 400,
        METHOD_NOT_FOUND: 404,
    }
)
"""In the modern era; the transport gives no status to any other code."""

CACHEABLE_METHODS: Final = frozenset(
    {"prompts/list", "resources/list", "resources/read", "resources/templates/list", "server/discover", "tools/list"}
)
"""Whose results say how long they hold."""

_PLAIN = re.compile(r"[\x20-\x7E]*")
_WRAPPED = re.compile(r"=\?base64\?(.*)\?=")


def encode_header_value(value: str) -> str:
    """The value as it is where a header can carry it, else as `=?base64?...?=` of its UTF-8.

    What looks like the second form by itself is wrapped too, so that nobody reads it as what it is not.
    """
    if _PLAIN.fullmatch(value) and value == value.strip() and not _WRAPPED.fullmatch(value):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode('ascii')}?="


def decode_header_value(value: str | None) -> str | None:
    """What a header says; None where there is none, or one that is wrapped wrongly: it must not equal anything by accident."""
    found = _WRAPPED.fullmatch(value) if value is not None else None
    if value is None or found is None:
        return value
    try:
        said = base64.b64decode(found[1], validate=True)
        # Several forms would decode to the same bytes; the encoder writes one of them.
        return said.decode() if base64.b64encode(said).decode("ascii") == found[1] else None
    except (binascii.Error, ValueError):
        return None
