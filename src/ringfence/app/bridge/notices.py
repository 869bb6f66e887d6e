"""Change notices through the bridge: the stream that carries them is opened again when it is lost, and the client told so.

A client on stdio has no stream that it could see break. What may have changed in between is announced as changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

from ringfence.errors import UnavailableError

FIRST_BACK_OFF_S: Final = 1.0
_LONGEST_BACK_OFFS: Final = 60
"""Times the first one."""
ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"
_LISTS: Final = ("tools", "prompts", "resources")


class BackOff:
    """Pauses between attempts, each twice as long as the one before."""

    def __init__(self, first_s: float = FIRST_BACK_OFF_S) -> None:
        self._first_s = first_s
        self._next_s = first_s

    def reset(self) -> None:
        """It worked: begin anew."""
        self._next_s = self._first_s

    async def wait(self) -> None:
        pause, self._next_s = self._next_s, min(2 * self._next_s, self._first_s * _LONGEST_BACK_OFFS)
        await asyncio.sleep(pause)


async def keep_listening(
    listen: Callable[[Callable[[], Awaitable[None]]], Awaitable[bool]],
    catch_up: Callable[[], Awaitable[None]],
    back_off: BackOff,
) -> None:
    """Hear a legacy session's own stream for as long as there is one.

    `listen` calls what it is given when the stream is open, and answers False where the session has none. `catch_up` announces
    what may have been missed while there was no stream.
    """
    was_open = False

    async def on_open() -> None:
        nonlocal was_open
        back_off.reset()
        if was_open:
            await catch_up()
        was_open = True

    while True:
        try:
            if not await listen(on_open):
                return
        except (UnavailableError, ValueError):
            pass  # what is wrong is said to the next request
        await back_off.wait()


class Subscription:
    """A modern client's `subscriptions/listen`, which one stream after another may carry."""

    def __init__(self, back_off: BackOff) -> None:
        self._back_off = back_off
        self.acknowledged = False
        """Whether the client knows that it is listening."""

    def shown(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        """What the client is told of a message. It is acknowledged once; after that, whatever it listens to has changed."""
        if message.get("method") != ACKNOWLEDGED:
            return [message]
        self._back_off.reset()
        if not self.acknowledged:
            self.acknowledged = True
            return [message]
        params: Mapping[str, Any] = message.get("params") or {}
        granted: Mapping[str, Any] = params.get("notifications") or {}
        meta = {"_meta": params["_meta"]} if "_meta" in params else {}
        lists = [name for name in _LISTS if granted.get(f"{name}ListChanged")]
        uris = cast("list[str]", granted.get("resourceSubscriptions") or [])
        return [
            *(list_changed(name, meta) for name in lists),
            *({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": uri, **meta}} for uri in uris),
        ]

    async def again(self) -> bool:
        """Whether to open another stream, after a pause."""
        if self.acknowledged:
            await self._back_off.wait()
        return self.acknowledged


def list_changed(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The notice that one list has changed."""
    notice: dict[str, Any] = {"jsonrpc": "2.0", "method": f"notifications/{name}/list_changed"}
    return {**notice, "params": dict(params)} if params else notice


def lists_that_change(capabilities: Mapping[str, Any]) -> tuple[str, ...]:
    """The lists whose changes a server announces."""
    return tuple(name for name in _LISTS if (capabilities.get(name) or {}).get("listChanged"))
