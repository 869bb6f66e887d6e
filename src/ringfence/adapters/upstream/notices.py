"""A server's change notices: which are wanted, and how often they are passed on."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ringfence.adapters.upstream.listing import is_uri
from ringfence.adapters.upstream.rate import Rate
from ringfence.adapters.wire.jsonrpc import Notification
from ringfence.ports.upstream import Notice, NoticeKind

PER_SECOND = 50
MAX_WAITING = 1000
"""Different notices that wait for the next second; more are dropped."""

_KINDS: Mapping[str, NoticeKind] = {
    "notifications/tools/list_changed": NoticeKind.TOOLS,
    "notifications/prompts/list_changed": NoticeKind.PROMPTS,
    "notifications/resources/list_changed": NoticeKind.RESOURCES,
    "notifications/resources/updated": NoticeKind.UPDATED,
}
_ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
"""The first message of a modern server's stream (MCP 2026-07-28, subscriptions)."""


@dataclass(frozen=True, slots=True)
class Topics:
    """What is both wanted and offered."""

    kinds: frozenset[NoticeKind]
    uris: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.kinds or self.uris)

    def as_filter(self) -> dict[str, Any]:
        """For a `subscriptions/listen` (MCP 2026-07-28, `SubscriptionFilter`)."""
        names = (("toolsListChanged", NoticeKind.TOOLS), ("promptsListChanged", NoticeKind.PROMPTS))
        chosen: dict[str, Any] = {name: True for name, kind in names if kind in self.kinds}
        if NoticeKind.RESOURCES in self.kinds:
            chosen["resourcesListChanged"] = True
        if self.uris:
            chosen["resourceSubscriptions"] = sorted(self.uris)
        return chosen


def topics_of(capabilities: Mapping[str, Any], uris: frozenset[str]) -> Topics:
    """Every list notice that a server declares, and these resources where it declares subscriptions."""
    kinds = {kind for kind in (NoticeKind.TOOLS, NoticeKind.PROMPTS, NoticeKind.RESOURCES) if _flag(capabilities, kind)}
    return Topics(frozenset(kinds), uris if _flag(capabilities, "resources", "subscribe") else frozenset())


def _flag(capabilities: Mapping[str, Any], name: str, flag: str = "listChanged") -> bool:
    declared = capabilities.get(name)
    return isinstance(declared, dict) and cast("dict[str, Any]", declared).get(flag) is True


class Notices:
    """Passes notices on: at most 50 a second; what comes more often is joined into one of its kind a second later."""

    def __init__(self, topics: Topics, tell: Callable[[Notice], None], on_listening: Callable[[], None] | None = None) -> None:
        self._topics = topics
        self._tell = tell
        self._on_listening = on_listening
        self._loop = asyncio.get_running_loop()
        self._rate = Rate(PER_SECOND, self._loop.time)
        self._waiting: dict[Notice, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def hear(self, message: Notification) -> None:
        """Anything but a wanted notice is dropped."""
        if message.method == _ACKNOWLEDGED:
            self.listening()
            return
        kind = _KINDS.get(message.method)
        if kind is None:
            return
        uri = ""
        if kind is NoticeKind.UPDATED:
            uri = message.params.get("uri", "")
            if not is_uri(uri) or not self._is_wanted(uri):
                return
        elif kind not in self._topics.kinds:
            return
        notice = Notice(kind, uri)
        if not self._waiting and self._rate.allows():
            self._tell(notice)
        elif len(self._waiting) < MAX_WAITING:
            self._waiting[notice] = None
            if self._timer is None:
                self._timer = self._loop.call_at(self._rate.opens_at, self._flush)

    def listening(self) -> None:
        """The server has taken note of what is wanted. Said once."""
        if self._on_listening is not None:
            self._on_listening()
            self._on_listening = None

    def _is_wanted(self, uri: str) -> bool:
        """A server may name a part of what was subscribed to (MCP, server/resources)."""
        return uri in self._topics.uris or any(uri.startswith(f"{whole.rstrip('/')}/") for whole in self._topics.uris)

    def _flush(self) -> None:
        self._timer = None
        while self._waiting:
            if not self._rate.allows():
                self._timer = self._loop.call_at(self._rate.opens_at, self._flush)
                return
            notice = next(iter(self._waiting))
            del self._waiting[notice]
            self._tell(notice)

    def close(self) -> None:
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
