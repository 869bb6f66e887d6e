"""The line between the supervisor of one box and the gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class BoxLine(Protocol):
    """One end. When the other end goes away, however it does, the line ends."""

    async def send(self, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
        """Raises UnavailableError where the other end is gone."""
        ...

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None: the other end is gone. Raises UnavailableError for what is no message."""
        ...

    def descriptor(self) -> int | None:
        """The next descriptor that came in; the caller's to close."""
        ...
