"""Events as a model API sends them."""

import json
from typing import Any


def event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def start(**usage: Any) -> bytes:
    message = {"type": "message", "model": "claude-opus-5", "content": [], "usage": usage}
    return event("message_start", message=message)


def text(said: str, index: int = 0) -> bytes:
    return event("content_block_delta", index=index, delta={"type": "text_delta", "text": said})


def opened(block: dict[str, Any], index: int = 0) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def part(partial: str, index: int = 0) -> bytes:
    return event("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": partial})


def closed(index: int = 0) -> bytes:
    return event("content_block_stop", index=index)


def totals(reason: str | None = "end_turn", **usage: Any) -> bytes:
    return event("message_delta", delta={"stop_reason": reason}, usage=usage)


STOP = event("message_stop")
PING = event("ping")

ANSWER = b"".join([
    start(input_tokens=20, cache_creation_input_tokens=7, cache_read_input_tokens=5, output_tokens=1),
    opened({"type": "text", "text": ""}),
    PING,
    text("Hello"),
    text(' "usage": there'),
    closed(),
    opened({"type": "tool_use", "id": "toolu_1", "name": "pay", "input": {}}, 1),
    part('{"amount": 1', 1),
    part('2, "to": "é"}', 1),
    closed(1),
    totals("tool_use", output_tokens=42),
    STOP,
])  # fmt: skip
