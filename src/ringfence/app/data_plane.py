"""What agents reach at one address: models below one path, everything else at the MCP gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

App = Callable[[MutableMapping[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
"""ASGI 3."""


def by_path(is_of_models: Callable[[str], bool], models: App, others: App) -> App:
    """One application of two."""

    async def routed(
        scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        app = models if scope["type"] == "http" and is_of_models(scope["path"]) else others
        await app(scope, receive, send)

    return routed
