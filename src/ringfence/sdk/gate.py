"""Ask the gateway about the events of a client. Whatever goes wrong on the way is a refusal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final, cast

import aiohttp

from ringfence.sdk.closed import closed

HELD_S: Final = 890.0
"""A call may be held for a person so long: below the time that the client gives a hook."""
_CONNECT_S: Final = 5.0
_LARGEST: Final = 64 << 20
"""Bytes of an answer. It may hold a tool's whole result, masked."""
_STATED: Final = frozenset({"PreToolUse", "PermissionRequest"})
"""Events of which an answer that states nothing is a refusal: nobody said that the call may run."""

_RESULTS: Final = frozenset({"PostToolUse", "PostToolUseFailure"})


class Gate:
    """One run's way to `/hook` of a gateway. Safe to use for many events at once, from any event loop."""

    def __init__(self, gateway: str, credential: str) -> None:
        self._url = f"{gateway.rstrip('/')}/hook"
        self._credential = credential
        self._unseen = False

    async def ask(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The gateway's answer to one event, as the client wants it. Raises nothing but cancellation."""
        name = str(event.get("hook_event_name"))
        if name == "PostToolBatch" and self._unseen:
            self._unseen = False
            return closed(event, "Ringfence did not see a result of this turn, so the turn ends.")
        try:
            answer = await self._post(event)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, RecursionError) as error:
            # The client shows the model what a failing command said, whatever is answered here. The end of the batch stops it.
            self._unseen = self._unseen or name in _RESULTS
            return closed(event, f"Ringfence could not be asked, so this is refused ({type(error).__name__}).")
        if name in _STATED and not _states(answer):
            return closed(event, "Ringfence gave no decision, so this is refused.")
        return answer

    async def _post(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Raises: aiohttp.ClientError, OSError, TimeoutError, ValueError."""
        headers = {"Authorization": f"Bearer {self._credential}"}
        timeout = aiohttp.ClientTimeout(total=HELD_S, sock_connect=_CONNECT_S)
        # A connection each: a held call has its own, and nothing has to be closed when an agent ends.
        # Proxies that the environment names are not asked: one that answers `{}` would be the one that decides.
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as asking,
            asking.post(self._url, json=dict(event), headers=headers, allow_redirects=False) as response,
        ):
            data = await response.content.read(_LARGEST + 1)
            while not response.content.at_eof() and len(data) <= _LARGEST:
                data += await response.content.read(_LARGEST + 1 - len(data))
            if response.status != 200 or len(data) > _LARGEST:
                raise ValueError(f"the gateway answered {response.status} with {len(data)} bytes")
        answer = await asyncio.to_thread(json.loads, data) if len(data) > 1 << 20 else json.loads(data)
        if not isinstance(answer, dict):
            raise ValueError("the gateway answered what is no answer")
        return cast(dict[str, Any], answer)


def _states(answer: Mapping[str, Any]) -> bool:
    """Whether it says anything about the call."""
    said = answer.get("hookSpecificOutput")
    return isinstance(said, dict) and ("permissionDecision" in said or "decision" in said)
