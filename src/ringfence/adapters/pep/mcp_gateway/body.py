"""Reading a request body, bounded in size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ringfence.adapters.pep.mcp_gateway.asgi import Receive
from ringfence.adapters.pep.mcp_gateway.parse import too_large
from ringfence.adapters.pep.mcp_gateway.rejection import Rejection
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.wire.mcp_names import INVALID_REQUEST


async def read_body(receive: Receive, limits: GatewayLimits, may_keep: Callable[[int], bool]) -> bytes | Rejection | None:
    """The whole body; None where the client left before its end. `may_keep` is asked for room before more is kept."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_s):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                part = message.get("body", b"")
                size += len(part)
                if size > limits.body_bytes:
                    return too_large(limits.body_bytes)
                if not may_keep(len(part)):
                    text = "too many large bodies are under way"
                    retry = ((b"retry-after", b"1"),)
                    return Rejection(status=503, code=INVALID_REQUEST, message=text, headers=retry, close=True, recorded=False)
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        text = f"the body was not complete within {limits.body_s:g} s"
        return Rejection(status=408, code=INVALID_REQUEST, message=text, close=True)
