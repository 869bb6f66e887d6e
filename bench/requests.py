"""Requests encoded beforehand, each with a number of its own, so that the driver does next to nothing for a call."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringfence.adapters.wire.mcp import JSON_TYPE, LEGACY_VERSION, SESSION_HEADER, SSE_TYPE, Era, modern_headers, modern_meta

FIRST: Final = 1_000_000
LAST: Final = 9_000_000
"""Numbers keep one width, so that the length of a request never changes."""
TEXT: Final = "The customer asks when the parcel arrives; the last scan was in the sorting centre. " * 3
_MARK: Final = "7654321"


@dataclass(frozen=True, slots=True)
class Template:
    """One request with two places for its number: the JSON-RPC id, and an argument that comes back in the answer."""

    before: bytes
    between: bytes
    after: bytes

    def numbered(self, number: int) -> bytes:
        text = b"%d" % number
        return b"".join((self.before, text, self.between, text, self.after))


def echo_of(number: int) -> bytes:
    """What the right answer to a numbered request contains."""
    return b"n%d: %b" % (number, TEXT[:40].encode())


def head(host: str, path: str, headers: Mapping[str, str], length: int) -> bytes:
    """The head of one POST."""
    lines = {"host": host, "content-type": JSON_TYPE, "accept": f"{JSON_TYPE}, {SSE_TYPE}", **headers}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{text}content-length: {length}\r\n\r\n".encode()


def call(host: str, path: str, tool: str, era: Era, headers: Mapping[str, str], session: str | None = None) -> Template:
    """A `tools/call` of the echo server's tool under the name that it has at this place."""
    arguments = {"subject": f"n{_MARK}", "text": TEXT, "tags": ["parcel", "late"], "limit": 20}
    params: dict[str, Any] = {"name": tool, "arguments": arguments}
    named = dict(headers)
    if era is Era.MODERN:
        params["_meta"] = modern_meta(client_info={"name": "bench", "version": "1"})
        named |= modern_headers("tools/call", tool)
    else:
        named["mcp-protocol-version"] = LEGACY_VERSION
        if session is not None:
            named[SESSION_HEADER] = session
    message = {"jsonrpc": "2.0", "id": int(_MARK), "method": "tools/call", "params": params}
    body = json.dumps(message, separators=(",", ":")).encode()
    before, between, after = body.split(_MARK.encode())
    return Template(head(host, path, named, len(body)) + before, between, after)


def initialize(host: str, path: str, headers: Mapping[str, str]) -> bytes:
    """The first request of a legacy client."""
    params = {"protocolVersion": LEGACY_VERSION, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).encode()
    return head(host, path, headers, len(body)) + body


def initialized(host: str, path: str, headers: Mapping[str, str], session: str | None) -> bytes:
    """The second."""
    named = {**headers, "mcp-protocol-version": LEGACY_VERSION, **({SESSION_HEADER: session} if session else {})}
    body = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
    return head(host, path, named, len(body)) + body
