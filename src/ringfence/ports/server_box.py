"""Boxes for the processes of one server that speaks in lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ringfence.ports.sandbox import Box


class ServerBoxes(Protocol):
    """Makes them. What is shown in them, and whom they may reach, is settled."""

    @property
    def layers(self) -> tuple[str, ...]:
        """What contains those that were made last; empty before the first."""
        ...

    async def start(self, principal: str, environment: Mapping[str, str], stdio: tuple[int, int, int]) -> Box:
        """A box with the server's command, its way out served, not begun. `close` takes all of it back.

        `principal` is whose process it is, as in `Sending`. The environment is complete.

        Raises UnavailableError, whose text says what to do about it: it is all that people see of a server that does not start.
        """
        ...
