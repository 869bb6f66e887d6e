"""Arguments that `ringfence connect` says once more in headers, for the few tools whose schema asks for that.

The official SDK reads the schemas. It is imported when a schema mentions such a header and not before, because to import it
takes most of the start of a bridge that nearly always has no use for it.

Source: MCP 2026-07-28, transports, custom headers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ringfence.adapters.wire.mcp_names import X_MCP_HEADER_KEY


def param_header_map(schema: object) -> dict[tuple[str, ...], str]:
    """By the path of a property, the header that carries it; empty for a schema that asks for none, or wrongly."""
    if X_MCP_HEADER_KEY not in json.dumps(schema):
        return {}
    from mcp.shared.inbound import find_invalid_x_mcp_header, x_mcp_header_map

    return x_mcp_header_map(schema) if find_invalid_x_mcp_header(schema) is None else {}


def param_headers(header_map: Mapping[tuple[str, ...], str], arguments: Mapping[str, Any]) -> dict[str, str]:
    """The headers of one call."""
    from mcp.shared.inbound import mcp_param_headers

    return mcp_param_headers(header_map, arguments)
