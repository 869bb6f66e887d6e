"""One open stream of change notices: what waits to be told is a set, so it is bounded however slowly the client reads.

No event has an id and nothing is told twice: whoever loses the stream opens another and lists anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from typing import Any, Final

from ringfence.adapters.pep.mcp_gateway.asgi import Receive, Send
from ringfence.adapters.pep.mcp_gateway.endpoint import Endpoint
from ringfence.adapters.pep.mcp_gateway.settings import GatewayLimits
from ringfence.adapters.pep.mcp_gateway.stream import COMMENT, STREAM_HEADERS, event
from ringfence.adapters.wire import jsonrpc
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.engine.catalogue.notices import News
from ringfence.ports.upstream import NoticeKind

_METHODS: Final = {
    NoticeKind.TOOLS: "notifications/tools/list_changed",
    NoticeKind.PROMPTS: "notifications/prompts/list_changed",
    NoticeKind.RESOURCES: "notifications/resources/list_changed",
    NoticeKind.UPDATED: "notifications/resources/updated",
}


class NoticeStream:
    """The response that stays open."""

    def __init__(
        self, endpoint: Endpoint, kinds: Collection[NoticeKind], meta: Mapping[str, Any] | None, limits: GatewayLimits
    ) -> None:
        """`kinds` are the lists that the client hears of; `meta` goes with every notice."""
        self._endpoint = endpoint
        self._kinds = frozenset(kinds)
        self._meta = meta
        self._limits = limits
        self._lists: dict[NoticeKind, None] = {}
        self._uris: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._gone = self._ended = False

    def tell(self, news: News) -> None:
        """Put something on the stream, unless it waits there already."""
        if news.kind is NoticeKind.UPDATED:
            self._uris[self._endpoint.shown_uri(news.server, news.uri)] = None
            if len(self._uris) > self._limits.told:
                self._uris.clear()
                self._lists[NoticeKind.RESOURCES] = None
        elif news.kind in self._kinds:
            self._lists[news.kind] = None
        else:
            return
        self._wake.set()

    def end(self) -> None:
        """Say goodbye to the client."""
        self._ended = True
        self._wake.set()

    async def run(
        self, receive: Receive, send: Send, *, first: bytes | None, last: bytes | None, still: Callable[[], Awaitable[bool]]
    ) -> None:
        """Serve until the client leaves, `end` is called, or the client is nobody any more."""
        await send({"type": "http.response.start", "status": 200, "headers": list(STREAM_HEADERS)})
        await _put(send, COMMENT if first is None else event(first))
        watcher = asyncio.create_task(self._watch(receive))
        try:
            while not self._ended:
                try:
                    async with asyncio.timeout(self._limits.keep_alive_s):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                self._wake.clear()
                if self._gone:
                    return
                if not await still():
                    break
                await _put(send, b"".join(map(event, self._take())) or COMMENT)
            await send({"type": "http.response.body", "body": b"" if last is None else event(last)})
        finally:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher

    def _take(self) -> list[bytes]:
        kinds, uris = list(self._lists), list(self._uris)
        self._lists.clear()
        self._uris.clear()
        return [
            *(self._notice(kind, {}) for kind in kinds),
            *(self._notice(NoticeKind.UPDATED, {"uri": uri}) for uri in uris),
        ]

    def _notice(self, kind: NoticeKind, params: dict[str, Any]) -> bytes:
        if self._meta is not None:
            params["_meta"] = dict(self._meta)
        return jsonrpc.notification(_METHODS[kind], canonical_bytes(params) if params else None)

    async def _watch(self, receive: Receive) -> None:
        while True:
            message: Any = await receive()
            if message["type"] == "http.disconnect":
                break
        self._gone = True
        self._wake.set()


async def _put(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
