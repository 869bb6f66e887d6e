"""What both sides of the gateway know of MCP: eras, versions, header names, the modern envelope. Pure.

Source: MCP revisions 2024-11-05 to 2025-11-25 (the legacy era: `initialize` and sessions) and 2026-07-28 (the modern era:
stateless, each request carries its version and the client's capabilities).
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, cast

from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Result
from ringfence.adapters.wire.mcp_names import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    HEADER_MISMATCH,
    LEGACY_PROTOCOL_VERSIONS,
    LOG_LEVEL_META_KEY,
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    MODERN_PROTOCOL_VERSIONS,
    PROTOCOL_VERSION_META_KEY,
    UNSUPPORTED_PROTOCOL_VERSION,
    encode_header_value,
)
from ringfence.core.strict_json.canonical import canonical_bytes


class Era(StrEnum):
    MODERN = "modern"
    LEGACY = "legacy"


MODERN_VERSION: Final = MODERN_PROTOCOL_VERSIONS[-1]
LEGACY_VERSION: Final = LEGACY_PROTOCOL_VERSIONS[-1]
MODERN_VERSIONS: Final = frozenset(MODERN_PROTOCOL_VERSIONS)
LEGACY_VERSIONS: Final = frozenset(LEGACY_PROTOCOL_VERSIONS)

SESSION_HEADER: Final = "mcp-session-id"
JSON_TYPE: Final = "application/json"
SSE_TYPE: Final = "text/event-stream"

MODERN_CODES: Final = frozenset({HEADER_MISMATCH, MISSING_REQUIRED_CLIENT_CAPABILITY, UNSUPPORTED_PROTOCOL_VERSION})
"""Error codes that only a server of the modern era sends."""

MODERN_RESULT_KEYS: Final = frozenset({"resultType", "ttlMs", "cacheScope"})
"""Result keys that exist in the modern era only."""

CLIENT_INFO: Final[Mapping[str, Any]] = {"name": "ringfence", "version": "0.1.0"}

_TOOL_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,128}")


def is_tool_name(value: object) -> bool:
    """Whether a value is a legal tool name (MCP 2025-11-25, server/tools)."""
    return isinstance(value, str) and _TOOL_NAME.fullmatch(value) is not None


def era_neutral(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result without the keys that only the modern era has."""
    return {key: value for key, value in result.items() if key not in MODERN_RESULT_KEYS}


def modern_meta(
    *,
    version: str = MODERN_VERSION,
    capabilities: Mapping[str, Any] | None = None,
    client_info: Mapping[str, Any] = CLIENT_INFO,
) -> dict[str, Any]:
    """The `_meta` envelope that each modern request carries. No capability is declared unless given."""
    return {
        PROTOCOL_VERSION_META_KEY: version,
        CLIENT_CAPABILITIES_META_KEY: dict(capabilities or {}),
        CLIENT_INFO_META_KEY: dict(client_info),
    }


MODERN_META: Final = canonical_bytes(modern_meta())
NO_CAPABILITIES: Final = b"{}"


def request_meta(
    era: Era,
    progress_token: int | None = None,
    *,
    capabilities: bytes = NO_CAPABILITIES,
    log_level: str | None = None,
    more: bytes = b"",
) -> bytes | None:
    """The `_meta` of one request to an upstream, as JSON bytes; None where it needs none.

    `capabilities` (a JSON object) and `log_level` are stamped in the modern era only: the older one fixes them otherwise.
    `more` are further members, each with a leading comma; none of them may be one that is written here.
    """
    if progress_token is not None:
        more += b',"progressToken":%d' % progress_token
    if era is Era.LEGACY:
        return b"{%b}" % more[1:] if more else None
    meta = MODERN_META if capabilities == NO_CAPABILITIES and log_level is None else _stamped(capabilities, log_level)
    return b"%b%b}" % (meta[:-1], more) if more else meta


@lru_cache(maxsize=64)
def _stamped(capabilities: bytes, log_level: str | None) -> bytes:
    envelope = modern_meta()
    del envelope[CLIENT_CAPABILITIES_META_KEY]
    if log_level is not None:
        envelope[LOG_LEVEL_META_KEY] = log_level
    key = canonical_bytes(CLIENT_CAPABILITIES_META_KEY)
    return b"{%b:%b,%b" % (key, capabilities, canonical_bytes(envelope)[1:])


def initialize_params(capabilities: bytes = NO_CAPABILITIES) -> bytes:
    """`params` of a legacy `initialize` that declares these capabilities (a JSON object)."""
    info, version = canonical_bytes(dict(CLIENT_INFO)), canonical_bytes(LEGACY_VERSION)
    return b'{"capabilities":%b,"clientInfo":%b,"protocolVersion":%b}' % (capabilities, info, version)


def modern_headers(method: str, name: str | None = None) -> dict[str, str]:
    """The routing headers of one modern request over HTTP (MCP 2026-07-28, transports)."""
    headers = {MCP_PROTOCOL_VERSION_HEADER: MODERN_VERSION, MCP_METHOD_HEADER: method}
    if name is not None:
        headers[MCP_NAME_HEADER] = encode_header_value(name)
    return headers


def era_from(message: Result | ErrorAnswer | None) -> Era:
    """What the answer to a `server/discover` proves: only positive evidence makes a server modern."""
    if isinstance(message, Result):
        return Era.MODERN if _names_modern_version(message.result.get("supportedVersions")) else Era.LEGACY
    if message is None or message.code not in MODERN_CODES:
        return Era.LEGACY
    if message.code == UNSUPPORTED_PROTOCOL_VERSION and isinstance(message.data, dict):
        data = cast("dict[str, Any]", message.data)
        return Era.MODERN if _names_modern_version(data.get("supported")) else Era.LEGACY
    return Era.MODERN


def _names_modern_version(versions: object) -> bool:
    return isinstance(versions, list) and any(
        isinstance(item, str) and item in MODERN_VERSIONS for item in cast("list[object]", versions)
    )
