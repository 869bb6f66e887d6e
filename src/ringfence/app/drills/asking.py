"""The agent of a drill asks a model: a conversation that grows, whatever the answers were."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from ringfence.app.drills.hijacked import Answer
from ringfence.errors import UnavailableError

PATIENCE: Final = aiohttp.ClientTimeout(total=5.0)
"""A request of a paused run is held for longer; a drill does not wait for that."""
MOST_TOKENS: Final = 1000


class Asker:
    """One agent's way to its models."""

    def __init__(self, agents_url: str, credential: str) -> None:
        self._url = f"{agents_url}/anthropic/v1/messages"
        self._headers = {"x-api-key": credential, "anthropic-version": "2023-06-01"}
        self._messages: list[dict[str, Any]] = []

    async def ask(self, model: str, say: str) -> Answer:
        """Say one thing more. Raises: UnavailableError where the gateway does not answer at all."""
        asked = [*self._messages, {"role": "user", "content": say}]
        body = {"model": model, "max_tokens": MOST_TOKENS, "messages": asked}
        try:
            async with (
                aiohttp.ClientSession(headers=self._headers, timeout=PATIENCE) as http,
                http.post(self._url, json=body) as response,
            ):
                status, said = response.status, await response.json()
        except TimeoutError:
            return Answer("refused", "the request is held", "stopped", "", "", time.time())
        except (aiohttp.ClientError, ValueError) as error:
            raise UnavailableError(f"the gateway does not answer: {error}") from error
        if status != 200:
            fault: Mapping[str, Any] = said.get("error") or {}
            code = "stopped" if status in (403, 429) else "limit"
            return Answer("refused", str(fault.get("message")), code, str(said.get("request_id") or ""), "", time.time())
        text = "".join(str(block.get("text", "")) for block in said.get("content", []))
        self._messages = [*asked, {"role": "assistant", "content": text}]
        return Answer("result", text, "", "", "", time.time())
