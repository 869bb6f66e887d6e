"""Where the notifications of one call go: to the stream of the leg that its client has open, or nowhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ringfence.core.mcp.client_meta import NO_META, ClientMeta
from ringfence.engine.request import ClientSide
from ringfence.ports.upstream import Asker, keep_all

Report = Callable[[Mapping[str, Any]], None]
MayKeep = Callable[[int], bool]


class Outlet:
    """The notifications that the client of one leg wants. A call of several legs keeps its first outlet, which follows them."""

    def __init__(
        self,
        on_progress: Report | None,
        log_level: str | None,
        on_log: Report | None,
        *,
        is_legacy: bool,
        meta: ClientMeta = NO_META,
        may_keep: MayKeep = keep_all,
        left_alone: int = 0,
    ) -> None:
        """`meta` is that of the first leg: what a server gets with a call is said once.

        `may_keep` gives room for the answer as long as this leg is open; while none is, an answer may have `left_alone` bytes.
        """
        self._may_keep = may_keep
        self._left_alone = left_alone
        self._is_legacy = is_legacy
        self._on_progress = on_progress
        self._log_level = log_level
        self._on_log = on_log
        self._meta = meta

    def follow(self, leg: Outlet) -> None:
        """Another leg is open now."""
        self._on_progress, self._on_log, self._may_keep = leg._on_progress, leg._on_log, leg._may_keep

    def detach(self) -> None:
        """No leg is open."""
        self._on_progress = self._on_log = None
        left = self._left_alone
        self._may_keep = lambda size: size <= left

    def once(self, capabilities: Mapping[str, Any], ask: Asker | None) -> ClientSide:
        """The client of a call that has one leg."""
        return ClientSide(
            is_legacy=self._is_legacy,
            capabilities=capabilities,
            on_progress=self._on_progress,
            log_level=self._log_level,
            on_log=self._on_log,
            ask=ask,
            meta=self._meta,
            may_keep=self._may_keep,
        )

    def client(self, capabilities: Mapping[str, Any], ask: Asker) -> ClientSide:
        """The client of a call that may have several legs."""
        return ClientSide(
            is_legacy=self._is_legacy,
            capabilities=capabilities,
            on_progress=self._progress,
            log_level=self._log_level,
            on_log=self._log,
            ask=ask,
            meta=self._meta,
            may_keep=self._keep,
        )

    def _keep(self, size: int) -> bool:
        return self._may_keep(size)

    def _progress(self, report: Mapping[str, Any]) -> None:
        if self._on_progress is not None:
            self._on_progress(report)

    def _log(self, message: Mapping[str, Any]) -> None:
        if self._on_log is not None:
            self._on_log(message)
