"""Requests of MCP clients, real ones and what a hostile client makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from mcp.shared.inbound import NAME_BEARING_METHODS
from tests.fuzz.mutations import bent, json_value, large, text, text_of

from ringfence.testing.gateway import HOST, LEGACY, MODERN

_ORDER = {"order": "A1"}
_HELLO = {"text": "hello"}
_MODERN_META: Mapping[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}, "sampling": {}},
    "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
}
EXECUTED: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("tools/call", {"name": "orders__get", "arguments": _ORDER}),
    ("tools/call", {"name": "orders__note", "arguments": {"order": "A1", "text": "hello"}}),
    ("tools/call", {"name": "orders__boom", "arguments": _ORDER}),
    ("tools/call", {"name": "orders__slow", "arguments": _ORDER, "_meta": {"progressToken": "p"}}),
    ("tools/call", {"name": "payments__refund", "arguments": {"order": "A1", "amount": 25}}),
    ("tools/call", {"name": "ringfence__claim", "arguments": {"ticket": "t_1"}}),
    ("tools/call", {"name": "docs__search", "arguments": _HELLO}),
    ("resources/read", {"uri": "ringfence:docs:memo:1"}),
    ("prompts/get", {"name": "docs__greet", "arguments": {"who": "b"}}),
    ("completion/complete", {"ref": {"type": "ref/prompt", "name": "docs__greet"}, "argument": {"name": "who", "value": "b"}}),
)
"""At `/mcp`."""
EXECUTED_AT_DOCS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("tools/call", {"name": "search", "arguments": _HELLO}),
    ("resources/read", {"uri": "file:///public/a.txt"}),
    ("prompts/get", {"name": "greet"}),
    ("completion/complete", {"ref": {"type": "ref/resource", "uri": "memo:{number}"}, "argument": {"name": "n", "value": ""}}),
)
"""At `/mcp/docs`."""
SUSPENDED: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("tools/call", {"name": "wiki__search", "arguments": _HELLO}),
    ("tools/call", {"name": "wiki__search", "arguments": _HELLO, "requestState": "", "inputResponses": {}}),
    (
        "tools/call",
        {
            "name": "wiki__search",
            "arguments": _HELLO,
            "requestState": "",
            "inputResponses": {"q": {"action": "accept", "content": {"n": 1}}},
        },
    ),
)
"""At `/mcp` in the modern era: the server asks the client something before it answers."""
LOCAL: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("tools/list", {}),
    ("tools/list", {"cursor": "v1.AAAA"}),
    ("server/discover", {}),
    ("ping", {}),
    ("initialize", {"protocolVersion": LEGACY, "capabilities": {"roots": {}}, "clientInfo": {"name": "t", "version": "1"}}),
    ("notifications/initialized", {}),
    ("notifications/cancelled", {"requestId": 1}),
    ("notifications/progress", {"progressToken": "p", "progress": 1}),
    ("resources/list", {}),
    ("resources/templates/list", {}),
    ("resources/subscribe", {"uri": "ringfence:docs:memo:1"}),
    ("resources/unsubscribe", {"uri": "ringfence:docs:memo:1"}),
    ("prompts/list", {}),
    ("logging/setLevel", {"level": "debug"}),
    ("tasks/get", {"taskId": "t"}),
)
LISTEN: tuple[str, Mapping[str, Any]] = (
    "subscriptions/listen",
    {"notifications": {"toolsListChanged": True, "resourceSubscriptions": ["ringfence:docs:memo:1"]}},
)
ANSWERS: tuple[Mapping[str, Any], ...] = (
    {"jsonrpc": "2.0", "id": "a_1", "result": {"action": "accept"}},
    {"jsonrpc": "2.0", "id": "a_1", "error": {"code": -1, "message": "no"}},
)
_PATHS = (
    "/mcp",
    "/mcp",
    "/mcp",
    "/mcp",
    "/mcp/orders",
    "/mcp/docs",
    "/mcp/nobody",
    "/mcp/",
    "/",
    "/runs",
    "/mcp/../mcp",
    "/healthz",
    "/.well-known/oauth-protected-resource/mcp",
)
_VERBS = ("POST",) * 16 + ("GET", "DELETE", "PUT", "OPTIONS")
_NAMES = (
    "host",
    "origin",
    "content-type",
    "accept",
    "authorization",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "mcp-protocol-version",
    "mcp-method",
    "mcp-name",
    "mcp-session-id",
    "mcp-param-order",
    "last-event-id",
    "cookie",
    "x-forwarded-host",
)
_VALUES = (
    "",
    HOST,
    "evil.example",
    "http://evil.example",
    "application/json",
    "application/jsonfoo",
    "text/event-stream",
    "*/*",
    "Bearer rfr_wrong",
    "Basic eDp5",
    "gzip",
    "chunked",
    "5",
    "-1",
    "99999999999999999999",
    "1" * 5000,
    MODERN,
    LEGACY,
    "2024-11-05",
    "2099-01-01",
    "tools/call",
    "tools/list",
    "orders__get",
    "=?base64?b3JkZXJzX19nZXQ=?=",
    "=?base64?////?=",
    "\xe9\xff",
    "\t x \t",
)


@dataclass(frozen=True, slots=True)
class Wire:
    """One HTTP request as the application gets it."""

    verb: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def request(rng: Random, credential: str, session: str | None, states: Sequence[str]) -> Wire:
    """An arbitrary request of whoever holds the credential; a third differ from a real one in no header.

    `states` are request states that the gateway gave out.
    """
    chosen = rng.random()
    path = "/mcp/docs" if 0.4 < chosen < 0.5 else "/mcp"
    asking = 0.5 < chosen < 0.6
    among = EXECUTED if chosen < 0.4 else EXECUTED_AT_DOCS if chosen < 0.5 else SUSPENDED if asking else LOCAL
    method, params = LISTEN if rng.random() < 0.005 else rng.choice(among)
    # A legacy client would be asked on its stream, and the call would wait for it.
    modern = asking or rng.random() < 0.5
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": rng.choice((1, 7, "a")), "method": method, "params": dict(params)}
    if method.startswith("notifications/"):
        del message["id"]
    if "requestState" in params:
        message["params"]["requestState"] = rng.choice(states) if states else "v1.AAAA"
    headers = [
        ("host", HOST),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("authorization", f"Bearer {credential}"),
    ]
    if modern:
        message["params"]["_meta"] = {**_MODERN_META, **params.get("_meta", {})}
        headers += [("mcp-protocol-version", MODERN), ("mcp-method", method)]
        if method in NAME_BEARING_METHODS:
            headers.append(("mcp-name", str(params[NAME_BEARING_METHODS[method]])))
    elif session is not None and method != "initialize":
        headers += [("mcp-protocol-version", LEGACY), ("mcp-session-id", session)]
        message = dict(rng.choice(ANSWERS)) if rng.random() < 0.02 else message
    verb = "POST"
    body = text_of(rng, json_value(rng) if rng.random() < 0.05 else message)
    if rng.random() < 0.001:
        body = large(rng) if rng.random() < 0.5 else body.replace(b"{}", large(rng))
    if rng.random() < 0.3:
        for _ in range(rng.randrange(1, 3)):
            headers = _other_headers(rng, headers)
        verb, path = rng.choice(_VERBS), rng.choice((path, rng.choice(_PATHS)))
    return Wire(verb, path, tuple(headers), body)


def _other_headers(rng: Random, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """One line more, less or other. Controls never stand in a value: the HTTP parser in front refuses them."""
    at = rng.randrange(len(headers)) if headers else 0
    value = rng.choice(_VALUES) if rng.random() < 0.8 else _carried(text(rng))
    match rng.randrange(5):
        case 0:
            return headers[:at] + headers[at + 1 :]
        case 1:
            return [*headers, (rng.choice(_NAMES), value)]
        case 2 if headers:
            return [*headers, (headers[at][0], value)]
        case 3 if headers:
            twisted = _carried(bent(rng, headers[at][1].encode("latin-1")).decode("latin-1"))
            return [*headers[:at], (headers[at][0], twisted), *headers[at + 1 :]]
        case _ if headers:
            return [*headers[:at], (headers[at][0].title(), f"\t{headers[at][1]}  "), *headers[at + 1 :]]
        case _:
            return headers


def _carried(value: str) -> str:
    return "".join(char for char in value if char == "\t" or " " <= char <= "~" or "\x80" <= char <= "\xff")
