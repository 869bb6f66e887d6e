"""Connections that wait for their next exchange: reused while they are fresh, closed when they are not."""

from __future__ import annotations

import asyncio

from ringfence.adapters.web.connection import Connection


class Kept:
    """Idle connections to one place. Use inside one running loop."""

    def __init__(self, keepalive_s: float) -> None:
        self._keepalive_s = keepalive_s
        self._idle: list[Connection] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_closed = False

    def take(self) -> Connection | None:
        """The one that was used last, if one is still fresh."""
        fresh = asyncio.get_running_loop().time() - self._keepalive_s
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and connection.idle_since >= fresh:
                return connection
            connection.close()
        return None

    def give_back(self, connection: Connection) -> bool:
        """An exchange is over. What cannot carry another is dropped; whether this one can."""
        if not connection.end() or self._is_closed:
            connection.close()
            return False
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(self._keepalive_s, self._sweep)
        return True

    def close(self) -> None:
        """Close what is idle; nothing is kept any more."""
        self._is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        while self._idle:
            self._idle.pop().close()

    def _sweep(self) -> None:
        """Close what has been idle too long, or was lost meanwhile."""
        loop = asyncio.get_running_loop()
        stale = loop.time() - self._keepalive_s
        for connection in [one for one in self._idle if one.idle_since <= stale or not one.is_open]:
            self._idle.remove(connection)
            connection.close()
        self._sweeper = loop.call_later(self._keepalive_s / 2, self._sweep) if self._idle else None
