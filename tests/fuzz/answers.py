"""Answers of MCP servers, real ones and what a hostile server makes of them; and what reading them may never do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from tests.fuzz.mutations import bent, json_value, large, text_of

from ringfence.adapters.upstream.answers import InputRequired, reply_of
from ringfence.adapters.upstream.asked import is_declared
from ringfence.adapters.upstream.describing import declared_in, described
from ringfence.adapters.upstream.logs import Logs
from ringfence.adapters.upstream.notices import Notices, topics_of
from ringfence.adapters.upstream.progress import Progress
from ringfence.adapters.wire.jsonrpc import ErrorAnswer, Notification, Request, Result, classify
from ringfence.adapters.wire.mcp import Era, era_from
from ringfence.adapters.wire.sse import SseParser
from ringfence.core.mcp.asking import judge
from ringfence.core.mcp.methods import COMPLETE, GET_PROMPT, READ_RESOURCE
from ringfence.core.model.identifiers import ServerId
from ringfence.core.strict_json.canonical import canonical_bytes, parse_strict
from ringfence.errors import RequestError, UnavailableError
from ringfence.ports.upstream import TOOLS_CALL, Answered, Reply, ServerRequest
from ringfence.testing.library import EVERYTHING

ID = 1
LARGEST_EVENT = 4096
METHODS = (TOOLS_CALL, READ_RESOURCE, GET_PROMPT, COMPLETE)
CLIENT: Mapping[str, Any] = {"sampling": {}, "roots": {}, "elicitation": {"form": {}, "url": {}}}
CAPABILITIES: Mapping[str, Any] = {
    "tools": {"listChanged": True},
    "resources": {"subscribe": True, "listChanged": True},
    "prompts": {"listChanged": True},
}
_TEXT = {"type": "text", "text": "fine"}
REAL: tuple[Mapping[str, Any], ...] = (
    {"id": ID, "result": {"content": [_TEXT], "isError": False}},
    {"id": ID, "result": {"content": [_TEXT], "structuredContent": {"n": 1.5}, "resultType": "complete", "_meta": {"a": 1}}},
    {"id": ID, "result": {"content": [{"type": "resource_link", "uri": "file:///a", "name": "a"}], "isError": True}},
    {
        "id": ID,
        "result": {"resultType": "input_required", "requestState": "s", "inputRequests": {"a": {"method": "roots/list"}}},
    },
    {"id": ID, "result": {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {"listChanged": True}}}},
    {"id": ID, "result": {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}},
    {"id": ID, "result": {"tools": [{"name": "get", "inputSchema": {"type": "object"}}], "nextCursor": "c"}},
    {"id": ID, "error": {"code": -32602, "message": "bad", "data": {"a": 1}}},
    {"id": ID, "error": {"code": -32022, "message": "version", "data": {"supported": ["2026-07-28"]}}},
    {"id": None, "error": {"code": -32700, "message": "parse"}},
    {"id": ID, "result": {"resources": [{"uri": "memo:1", "name": "a"}], "prompts": [{"name": "p"}], "nextCursor": "c"}},
    {"id": ID, "result": {"contents": [{"uri": "memo:1", "text": "t"}]}},
    {"id": ID, "result": {"messages": [{"role": "user", "content": _TEXT}]}},
    {"id": ID, "result": {"completion": {"values": ["a"], "total": 1}}},
    {
        "id": 9,
        "method": "elicitation/create",
        "params": {"mode": "form", "message": "m", "requestedSchema": {"properties": {"n": {}}}},
    },
    {"id": 9, "method": "elicitation/create", "params": {"mode": "url", "message": "m", "url": "https://pay.example/x"}},
    {"id": 9, "method": "roots/list"},
    {"method": "notifications/resources/updated", "params": {"uri": "memo:1"}},
    {"method": "notifications/tools/list_changed"},
    {"method": "notifications/progress", "params": {"progressToken": ID, "progress": 1, "total": 2, "message": "m"}},
    {"method": "notifications/message", "params": {"level": "info", "data": "d"}},
    {"id": 9, "method": "sampling/createMessage", "params": {"maxTokens": 10, "messages": []}},
    {"id": 9, "method": "ping"},
)
_HEADS = (
    b"content-type: text/event-stream\r\n",
    b"content-encoding: gzip\r\n",
    b"transfer-encoding: chunked\r\n",
    b"location: http://127.0.0.1:9/\r\n",
    b"mcp-session-id: \xff\r\n",
    b"content-length: 3\r\n",
    b"content-length: 99999999999999999999\r\n",
    b"content-type: application/json; charset=utf-16\r\n",
    b"connection: close\r\n",
    b"x: " + b"y" * 9000 + b"\r\n",
    b": nameless\r\n",
    b" folded\r\n",
)
_STATUS = (
    b"200 OK",
    b"200 OK",
    b"200 OK",
    b"202 Accepted",
    b"204 No",
    b"307 Go",
    b"400 Bad",
    b"404 No",
    b"500 Oops",
    b"999",
    b"",
)


def message(rng: Random) -> bytes:
    """One message of a server, changed or not."""
    if rng.random() < 0.05:
        return large(rng) if rng.random() < 0.02 else text_of(rng, json_value(rng))
    return text_of(rng, {"jsonrpc": "2.0", **rng.choice(REAL)})


def stream(rng: Random) -> bytes:
    """An event stream with a few messages in it."""
    parts: list[bytes] = []
    for _ in range(rng.randrange(1, 5)):
        end = rng.choice((b"\n\n", b"\r\n\r\n", b"\r\r", b"\n"))
        name = rng.choice((b"", b"event: message\n", b"id: 7\nretry: 1\n", b": c\n", b"event: \xff\n"))
        parts.append(name + b"data: " + message(rng).replace(b"\n", b"\ndata: ") + end)
    whole = b"".join(parts)
    return bent(rng, whole) if rng.random() < 0.3 else whole


def response(rng: Random) -> bytes:
    """A whole HTTP response to a call."""
    kind, body = rng.choice(((b"application/json", message), (b"text/event-stream", stream)))
    data = body(rng)
    head = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n" % (rng.choice(_STATUS), kind, len(data))
    if rng.random() < 0.3:
        head += rng.choice(_HEADS)
    whole = head + b"\r\n" + data
    return bent(rng, whole) if rng.random() < 0.2 else whole


def pieces(rng: Random, data: bytes) -> Iterator[bytes]:
    """The bytes as a network may cut them."""
    while data:
        size = rng.choice((1, 2, 7, 100, 4000))
        yield data[:size]
        data = data[size:]


async def faults(rng: Random, data: bytes) -> list[str]:
    """Read server bytes as a stream and as a message, all the way to the values that the engine sees."""
    try:
        parser = SseParser(LARGEST_EVENT)
        texts = [data]
        try:
            for piece in pieces(rng, data):
                texts += [event.data for event in parser.feed(piece)]
        except RequestError:
            pass
        return [fault for text in texts for fault in await _message_faults(text)]
    except Exception as error:  # noqa: BLE001 - whatever leaves the reading is the finding
        return [f"crash: {error!r}: {data!r}"]


async def _message_faults(text: bytes) -> list[str]:
    try:
        value = parse_strict(text)
        if parse_strict(canonical_bytes(value)) != value:
            return [f"not_canonical: {text!r} reads back as something else"]
        answer = classify(value)
    except RequestError:
        return []
    match answer:
        case Request():
            asked = ServerRequest(answer.method, answer.params)
            is_declared(asked, CLIENT)
            judged = judge(asked.method, asked.params, ServerId("docs"), EVERYTHING)
            canonical_bytes(judged if isinstance(judged, str) else dict(judged.params))
        case Notification():
            _heard(answer)
        case Result() | ErrorAnswer():
            era_from(answer)
            for era in Era:
                for method in METHODS:
                    found = reply_of(answer, era, method)
                    canonical_bytes(dict(found.result) if isinstance(found, Answered) else None)
                await _described(answer, era)
    return []


def _heard(message: Notification) -> None:
    """Hand a notification to everything that listens."""
    heard: list[Mapping[str, Any]] = []
    progress = Progress(heard.append, lambda: 0.0)
    progress.token = ID
    progress.offer(message.params)
    Logs("debug", heard.append, lambda: 0.0).offer(message.params)
    notices = Notices(topics_of(CAPABILITIES, frozenset({"memo:1"})), lambda _: None)
    notices.hear(message)
    notices.close()
    canonical_bytes(heard)


async def _described(answer: Result | ErrorAnswer, era: Era) -> None:
    async def ask(method: str, params: dict[str, Any]) -> Result | ErrorAnswer:
        return Result(ID, {"tools": []}) if "cursor" in params else answer

    try:
        declared = declared_in(answer.result if isinstance(answer, Result) else {})
        await described(ask, era, replace(declared, capabilities=CAPABILITIES))
    except UnavailableError:
        return


def reply(rng: Random) -> Reply:
    """An arbitrary lawful reply of an adapter: what the front has to be able to show."""
    while True:
        try:
            answer = classify(parse_strict(message(rng)))
        except RequestError:
            continue
        if isinstance(answer, Result | ErrorAnswer):
            found = reply_of(answer, rng.choice(tuple(Era)))
            if not isinstance(found, InputRequired):
                return found
