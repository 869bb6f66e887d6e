"""A model that says what it was told to say: the Messages API, as far as a coding agent needs it for a trial.

It keeps no state: which turn it is, is counted in the conversation that the client sends.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from ringfence.app.clients.tiny_web import Answer, Asked

_USAGE: Final = {"input_tokens": 1, "output_tokens": 1}
_TRUNK: Final = 1_000_000
"""Characters of conversations that are kept at most."""


@dataclass(frozen=True, slots=True)
class Use:
    """One tool that the model wants used."""

    tool: str
    arguments: Mapping[str, Any]


class TinyModel:
    """Asks for one tool after the other, then says that it is done."""

    def __init__(self, turns: Sequence[Use]) -> None:
        self._turns = tuple(turns)
        self._lock = threading.Lock()
        self._heard: list[str] = []
        self._kept = 0

    def answer(self, asked: Asked) -> Answer:
        """One request to the API."""
        if asked.method != "POST" or "/messages" not in asked.target or "count_tokens" in asked.target:
            return Answer(body=b'{"input_tokens": 1}')
        try:
            body = cast(Mapping[str, Any], json.loads(asked.body))
            messages = cast(Sequence[Mapping[str, Any]], body["messages"])
        except (ValueError, KeyError, TypeError):
            return Answer(400, b'{"type": "error", "error": {"type": "invalid_request_error", "message": "no conversation"}}')
        said = json.dumps(messages, ensure_ascii=False)
        with self._lock:
            if self._kept + len(said) <= _TRUNK:
                self._kept += len(said)
                self._heard.append(said)
        at = sum(1 for each in messages if each.get("role") == "assistant")
        block, stop = self._turn(at)
        message = _message(body, at, block, stop)
        return _streamed(message) if body.get("stream") else Answer(body=json.dumps(message).encode())

    def heard(self, text: str) -> bool:
        """Whether the model was ever shown this text."""
        with self._lock:
            return any(text in said for said in self._heard)

    @property
    def was_asked(self) -> bool:
        """Whether the client came here at all."""
        with self._lock:
            return bool(self._heard)

    def _turn(self, at: int) -> tuple[dict[str, Any], str]:
        """The block to say next, and why the answer ends with it."""
        if at >= len(self._turns):
            return {"type": "text", "text": "Done."}, "end_turn"
        use = self._turns[at]
        return {"type": "tool_use", "id": f"toolu_trial{at:04d}", "name": use.tool, "input": dict(use.arguments)}, "tool_use"


def _message(body: Mapping[str, Any], at: int, block: dict[str, Any], stop: str) -> dict[str, Any]:
    return {
        # Two messages of one id are one to the client.
        "id": f"msg_trial{at:04d}",
        "type": "message",
        "role": "assistant",
        "model": str(body.get("model")),
        "content": [block],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": _USAGE,
    }


def _streamed(message: dict[str, Any]) -> Answer:
    [block] = message["content"]
    if block["type"] == "tool_use":
        begun = {**block, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    else:
        begun = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": block["text"]}
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": begun},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": _USAGE},
        {"type": "message_stop"},
    ]
    text = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events)
    return Answer(body=text.encode(), kind="text/event-stream")
