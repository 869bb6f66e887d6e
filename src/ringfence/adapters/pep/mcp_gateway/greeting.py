"""What the gateway says of itself when a client connects. Pure.

Names and instructions of the servers behind it are not repeated: they are theirs to claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mcp_types import SERVER_INFO_META_KEY

from ringfence.adapters.pep.mcp_gateway.lists import TTL_MS
from ringfence.adapters.pep.mcp_gateway.tool_call import CLAIM
from ringfence.adapters.wire.mcp import CLIENT_INFO, LEGACY_VERSION, LEGACY_VERSIONS, MODERN_VERSION

_INSTRUCTIONS: Final = (
    "Each call is decided outside the agent. A refusal says which kind of rule it met; repeating it does not help."
    " `approval pending` means that a person has to decide: go on with other work and repeat the same call later."
)
_ON_AGGREGATE: Final = f" `{CLAIM}` with the ticket does the same."
_CAPABILITIES: Final[Mapping[str, Any]] = {"tools": {}}


def initialize_result(params: Mapping[str, Any], server: str | None) -> dict[str, Any] | str:
    """The answer to a legacy `initialize`, or what is wrong with it."""
    version = params.get("protocolVersion")
    if not isinstance(version, str):
        return "protocolVersion must be a string"
    if not isinstance(params.get("capabilities"), dict) or not isinstance(params.get("clientInfo"), dict):
        return "capabilities and clientInfo must be objects"
    return {
        "protocolVersion": version if version in LEGACY_VERSIONS else LEGACY_VERSION,
        "capabilities": dict(_CAPABILITIES),
        "serverInfo": dict(CLIENT_INFO),
        "instructions": _instructions(server),
    }


def discover_result(server: str | None) -> dict[str, Any]:
    """The answer to a modern `server/discover`."""
    return {
        "resultType": "complete",
        "supportedVersions": [MODERN_VERSION],
        "capabilities": dict(_CAPABILITIES),
        "instructions": _instructions(server),
        "ttlMs": TTL_MS,
        "cacheScope": "private",
        "_meta": {SERVER_INFO_META_KEY: dict(CLIENT_INFO)},
    }


def _instructions(server: str | None) -> str:
    return _INSTRUCTIONS + (_ON_AGGREGATE if server is None else "")
