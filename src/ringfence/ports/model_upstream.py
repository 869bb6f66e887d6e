"""A model API, as the engine sees it: one request out, one answer back in pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPost:
    """One request, as it goes out. The adapter adds the upstream's own credential and nothing else that says who asks."""

    method: str
    target: str
    """Path and query below the upstream's base URL: `/v1/messages?beta=true`."""
    headers: tuple[tuple[str, str], ...] = ()
    """Of the client, without any credential. Names in lower case."""
    body: bytes = b""
    """Byte for byte."""


class ModelAnswer(Protocol):
    """An answer that has begun. Close it in any case: what has not come by then does not come any more."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        ...

    async def read(self) -> bytes:
        """The next piece, as it came; empty at the end. No more is fetched before it is asked for.

        Raises UnavailableError where the answer breaks off, or nothing comes for too long.
        """
        ...

    def close(self) -> None:
        """Let go of it at once, whole or not. Nothing is waited for."""
        ...


@dataclass(frozen=True, slots=True)
class Unsent:
    """Provably nothing left."""

    why: str


@dataclass(frozen=True, slots=True)
class Lost:
    """Bytes left and no answer came. A model may have answered all the same. Never retried."""

    why: str


class ModelUpstream(Protocol):
    """One configured model API. Implementations own connections and deadlines; nothing is decompressed or followed."""

    async def send(self, post: ModelPost, may_send: Callable[[], bool]) -> ModelAnswer | Unsent | Lost:
        """Send it once. `may_send` is asked last; False: nothing goes out.

        On cancellation no further byte leaves.
        """
        ...

    async def close(self) -> None:
        """Let go of every connection, answers that are under way included."""
        ...
