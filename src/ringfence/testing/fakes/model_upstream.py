"""A model API that answers as it is told, whole and at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from ringfence.ports.model_upstream import Lost, ModelPost, Unsent


class WholeAnswer:
    """One answer of one piece."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {"content-type": "application/json"}
        self._left = [body]

    async def read(self) -> bytes:
        return self._left.pop() if self._left else b""

    def close(self) -> None:
        self._left.clear()


class FakeModel:
    """Keeps what it was sent. `usage` says what each answer reports, from the request's own JSON; None: it never answers."""

    def __init__(self, usage: Callable[[Mapping[str, Any]], Mapping[str, int] | None]) -> None:
        self._usage = usage
        self.sent: list[ModelPost] = []

    async def send(self, post: ModelPost, may_send: Callable[[], bool]) -> WholeAnswer | Unsent | Lost:
        if not may_send():
            return Unsent("stopped")
        self.sent.append(post)
        for _ in range(len(self.sent) % 4):
            await asyncio.sleep(0)
        asked = json.loads(post.body)
        usage = self._usage(asked)
        if usage is None:
            return Lost("the connection broke off")
        answer = {
            "id": f"msg_{len(self.sent)}",
            "type": "message",
            "role": "assistant",
            "model": asked["model"],
            "content": [{"type": "text", "text": "done"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": usage,
        }
        return WholeAnswer(json.dumps(answer).encode())

    async def close(self) -> None:
        pass
