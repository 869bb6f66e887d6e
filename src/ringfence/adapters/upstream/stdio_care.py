"""What went wrong with the processes of one stdio server, and when another may be started."""

import asyncio
from typing import NamedTuple

from ringfence.adapters.upstream.backoff import Backoff, Jitter, no_jitter
from ringfence.adapters.upstream.options import CATALOGUE, StdioOptions
from ringfence.adapters.upstream.stdio_link import Link
from ringfence.adapters.wire.mcp import NO_CAPABILITIES
from ringfence.errors import UnavailableError

MOST_REMEMBERED = 1000


class Key(NamedTuple):
    """Whose process it is."""

    principal: str
    capabilities: bytes
    """What is declared in a legacy handshake, which fixes that for good; nothing in the modern era."""
    is_older: bool = False
    """Spoken to in the legacy era, though the server is a modern one."""

    @property
    def is_plain(self) -> bool:
        """Nothing that a client chose goes into its start."""
        return self.principal == CATALOGUE or (self.capabilities == NO_CAPABILITIES and not self.is_older)


class Care:
    """Two kinds of failure.

    A process that does not get through its handshake would not do so for anybody else, so the whole server is left alone for
    a while. One that ends by itself later may have died of what one principal sent it, so only that principal waits: not the
    first time, but from the second on, unless the process had answered something since its start.
    """

    def __init__(self, options: StdioOptions, jitter: Jitter = no_jitter) -> None:
        self._options = options
        self._jitter = jitter
        self._starts = self._backoff()
        self._by_key: dict[Key, Backoff] = {}
        self._error = ""
        self._error_at = 0.0
        self.restarts = 0
        self.last_words: tuple[str, ...] = ()

    def check(self, key: Key, *, is_being_tried: bool) -> None:
        """Raises UnavailableError while no process may be started for a key. Counts the start as one that follows a failure."""
        for backoff in self._of(key):
            if backoff.wait_s:
                raise UnavailableError(f"{backoff.why}; the next try is in {backoff.wait_s:.1f} s")
            if backoff is self._starts and backoff.failures and is_being_tried:
                raise UnavailableError(f"{backoff.why}; it is being started again")
        if any(backoff.failures for backoff in self._of(key)):
            self.restarts += 1

    def started(self, key: Key) -> None:
        if key.is_plain:
            self._starts.succeeded()

    def not_started(self, key: Key, error: UnavailableError) -> None:
        why = str(error)
        self._note(why)
        (self._starts if key.is_plain else self._of_key(key)).failed(why)

    def ended(self, key: Key, link: Link) -> None:
        """A process that was open has ended."""
        if link.is_our_doing or not link.is_open:
            return
        self._note(link.ended)
        backoff = self._of_key(key)
        if link.has_answered:
            backoff.succeeded()
        backoff.failed(link.ended)

    def forget(self, principal: str) -> None:
        for key in [key for key in self._by_key if key.principal == principal]:
            del self._by_key[key]

    @property
    def fails_to_start(self) -> bool:
        return self._starts.failures > 0

    def failures(self, key: Key) -> Backoff:
        """The failures that a principal meets."""
        return max(self._of(key), key=lambda backoff: (backoff.wait_s, backoff.failures))

    @property
    def error(self) -> tuple[str, float] | None:
        """What went wrong last, and how many seconds ago."""
        return (self._error, self._now() - self._error_at) if self._error else None

    def _of(self, key: Key) -> tuple[Backoff, ...]:
        own = self._by_key.get(key)
        return (self._starts,) if own is None else (self._starts, own)

    def _of_key(self, key: Key) -> Backoff:
        own = self._by_key.pop(key, None) or self._backoff(free=1)
        self._by_key[key] = own
        while len(self._by_key) > MOST_REMEMBERED:
            del self._by_key[next(iter(self._by_key))]
        return own

    def _backoff(self, *, free: int = 0) -> Backoff:
        return Backoff(self._options.retry_s, self._options.retry_most_s, self._now, self._jitter, free=free)

    def _note(self, why: str) -> None:
        self._error, self._error_at = why, self._now()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
