"""The names and numbers of MCP that both sides of the gateway use, and the codec of its header values. Pure.

They are written here again, and not taken from the official SDK, because importing any part of it builds its client, its
server and the models of every message: more than half a second in the life of each `ringfence connect`, before a client hears
of its tools. A test compares all of them with the SDK's.

Source: MCP revisions 2024-11-05 to 2025-11-25 and 2026-07-28: schema, and transports (standard headers, value encoding).
"""

import base64
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LEGACY_PROTOCOL_VERSIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_PROTOCOL_VERSIONS: Final = ("2026-07-28",)

MCP_PROTOCOL_VERSION_HEADER: Final = "mcp-protocol-version"
MCP_METHOD_HEADER: Final = "mcp-method"
MCP_NAME_HEADER: Final = "mcp-name"
X_MCP_HEADER_KEY: Final = "x-mcp-header"
"""In an input schema: the property whose value travels in a header of its own as well."""

NAME_BEARING_METHODS: Final[Mapping[str, str]] = MappingProxyType(
    {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
)
"""By method, the parameter that stands in `Mcp-Name` as well."""

PROTOCOL_VERSION_META_KEY: Final = "io.modelcontextprotocol/protocolVersion"
CLIENT_CAPABILITIES_META_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
CLIENT_INFO_META_KEY: Final = "io.modelcontextprotocol/clientInfo"
LOG_LEVEL_META_KEY: Final = "io.modelcontextprotocol/logLevel"

INVALID_REQUEST: Final = -32600
INTERNAL_ERROR: Final = -32603
HEADER_MISMATCH: Final = -32020
MISSING_REQUIRED_CLIENT_CAPABILITY: Final = -32021
UNSUPPORTED_PROTOCOL_VERSION: Final = -32022

_PLAIN = re.compile(r"[\x20-\x7E]*")
_WRAPPED = re.compile(r"=\?base64\?.*\?=")


def encode_header_value(value: str) -> str:
    """The value as it is where a header can carry it, else as `=?base64?...?=` of its UTF-8.

    What looks like the second form by itself is wrapped too, so that nobody reads it as what it is not.
    """
    if _PLAIN.fullmatch(value) and value == value.strip() and not _WRAPPED.fullmatch(value):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode('ascii')}?="
