"""How the scripted model answers one request, and what that answer is billed.

A script is JSON, found in the header `x-model-script`, in `metadata.user_id` (`{"script": {...}}`) or in the first user text
(`script: {...}`), so that it reaches the model whatever a proxy in between passes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec

ERRORS = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 500: "api_error", 529: "overloaded_error",
}  # fmt: skip
SIGNATURE = "c2lnbmVk"
PER_EVENT = 3
"""Output tokens of one piece of text or of a tool's input, where the script does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One answer. Events are counted from the first that carries content."""

    status: int = 200
    error: str = ""
    """The type of the error; by default that of the status."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """More headers: `retry-after`, `x-should-retry`."""
    text: tuple[str, ...] = ("Hello", " there", ".")
    thinking: tuple[str, ...] = ()
    """What is shown of its thinking, before the text, in a block with a signature. The bill may be larger."""
    times: int = 1
    """How often the text is said."""
    tools: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Members of the usage, over what is computed. `output_tokens` is the last total."""
    ping_each: int = 0
    error_after: int | None = None
    """An `overloaded_error` event comes after so many, and nothing else."""
    cut_after: int | None = None
    """The connection is reset after so many: what was on its way may be lost."""
    close_after: int | None = None
    """The connection is closed after so many events of any kind: what was written arrives."""
    wait_after: int | None = None
    """Nothing more comes until the test says so."""
    drip_s: float = 0.0
    """Between two events."""
    line_break: str = "\n"
    piece: int = 0
    """Bytes of one write; 0: one event each."""
    megabytes: int = 0
    """Instead of the text: so much of it, in events of 64 KiB."""
    unknown_events: bool = False
    """Events that nobody has heard of stand between the others."""
    stop_reason: str = ""

    @property
    def is_error(self) -> bool:
        return self.status >= 400

    def parts(self) -> int:
        """How many events carry content."""
        said = self.megabytes * 16 if self.megabytes else len(self.text) * self.times
        return len(self.thinking) + said + 2 * len(self.tools)

    def bill(self, prompt: int, parts: int | None = None) -> dict[str, Any]:
        """The usage of an answer of which so many events were made; None: all."""
        whole = int(self.usage.get("output_tokens", self.parts() * PER_EVENT))
        made = self.parts() if parts is None else parts
        return {
            "input_tokens": prompt,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            **self.usage,
            "output_tokens": whole if made >= self.parts() else whole * made // max(self.parts(), 1),
        }


def script_of(header: str | None, body: Mapping[str, Any]) -> Script:
    """The script that a request brings; without one the plain answer."""
    for text in (header, _of_user(body), _of_text(body)):
        if text:
            given = json.loads(text)
            unknown = set(given) - {each.name for each in fields(Script)}
            assert not unknown, f"a script has no {unknown}"
            return msgspec.convert(given, Script)
    return Script()


def _of_user(body: Mapping[str, Any]) -> str | None:
    user = (body.get("metadata") or {}).get("user_id") or ""
    script = json.loads(user).get("script") if user.startswith('{"script"') else None
    return json.dumps(script) if script is not None else None


def _of_text(body: Mapping[str, Any]) -> str | None:
    for message in body.get("messages") or []:
        content = message.get("content")
        text = content if isinstance(content, str) else next((block.get("text", "") for block in content or []), "")
        return text.removeprefix("script:") if text.startswith("script:") else None
    return None


def message_of(script: Script, id: str, model: str, prompt: int) -> dict[str, Any]:
    """The answer as a whole."""
    said = "x" * (script.megabytes << 20) if script.megabytes else "".join(script.text) * script.times
    thought = {"type": "thinking", "thinking": "".join(script.thinking), "signature": SIGNATURE}
    content: list[dict[str, Any]] = [*([thought] if script.thinking else []), {"type": "text", "text": said}]
    content += [
        {"type": "tool_use", "id": f"toolu_{id}_{at}", "name": name, "input": given}
        for at, (name, given) in enumerate(script.tools)
    ]
    return {
        "id": id, "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": script.stop_reason or ("tool_use" if script.tools else "end_turn"), "stop_sequence": None,
        "usage": script.bill(prompt),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """One event of a stream. `is_part`: it carries content, which is billed once it is made."""

    data: bytes
    is_part: bool = False


def stream_of(script: Script, id: str, model: str, prompt: int) -> Iterator[Piece]:
    """The answer event by event, as if nothing went wrong."""
    whole = script.bill(prompt)
    start = {key: value for key, value in whole.items() if key != "server_tool_use"} | {"output_tokens": 1}
    empty = {"id": id, "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": None}

    def event(kind: str, **members: Any) -> bytes:
        ends = script.line_break
        return f"event: {kind}{ends}data: {json.dumps({'type': kind, **members})}{ends}{ends}".encode()

    yield Piece(event("message_start", message={**empty, "stop_sequence": None, "usage": start}))
    if script.thinking:
        block = {"type": "thinking", "thinking": "", "signature": ""}
        yield Piece(event("content_block_start", index=0, content_block=block))
        for said in script.thinking:
            delta = {"type": "thinking_delta", "thinking": said}
            yield Piece(event("content_block_delta", index=0, delta=delta), is_part=True)
        delta = {"type": "signature_delta", "signature": SIGNATURE}
        yield Piece(event("content_block_delta", index=0, delta=delta))
        yield Piece(event("content_block_stop", index=0))
    index = 1 if script.thinking else 0
    yield Piece(event("content_block_start", index=index, content_block={"type": "text", "text": ""}))
    if script.ping_each:
        yield Piece(event("ping"))
    for at, said in enumerate(_said(script)):
        if script.ping_each and at % script.ping_each == script.ping_each - 1:
            yield Piece(event("ping"))
        if script.unknown_events:
            yield Piece(event("of_next_year", at=at, more={"usage": None}) + b": a comment" + script.line_break.encode() * 2)
        yield Piece(event("content_block_delta", index=index, delta={"type": "text_delta", "text": said}), is_part=True)
    yield Piece(event("content_block_stop", index=index))
    for at, (name, given) in enumerate(script.tools, index + 1):
        block = {"type": "tool_use", "id": f"toolu_{id}_{at - index - 1}", "name": name, "input": {}}
        yield Piece(event("content_block_start", index=at, content_block=block))
        text = json.dumps(given)
        for part in (text[: len(text) // 2], text[len(text) // 2 :]):
            delta = {"type": "input_json_delta", "partial_json": part}
            yield Piece(event("content_block_delta", index=at, delta=delta), is_part=True)
        yield Piece(event("content_block_stop", index=at))
    reason = script.stop_reason or ("tool_use" if script.tools else "end_turn")
    totals = {key: value for key, value in whole.items() if isinstance(value, int) or key == "server_tool_use"}
    yield Piece(event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage=totals))
    yield Piece(event("message_stop"))


def _said(script: Script) -> Iterator[str]:
    if script.megabytes:
        large = "x" * (1 << 16)
        for _ in range(script.megabytes * 16):
            yield large
        return
    for _ in range(script.times):
        yield from script.text


def error_body(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_scripted"}


def overloaded(script: Script) -> bytes:
    """The event with which a model gives up in the middle of an answer."""
    ends = script.line_break
    data = json.dumps(error_body(script.error or "overloaded_error", "Overloaded"))
    return f"event: error{ends}data: {data}{ends}{ends}".encode()
