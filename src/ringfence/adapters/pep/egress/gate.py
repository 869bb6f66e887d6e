"""What the way out asks of the engine, and of the world it opens connections to."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Protocol

from ringfence.core.egress.opening import Admitted, NotAdmitted, Opening, Refusal
from ringfence.engine.identity.identify import Presented


class Gate(Protocol):
    """The engine's word on every use of the way out.

    A connection to a host that is terminated is admitted so that it can be looked into: nothing is resolved or dialled before
    one of its requests is admitted too.
    """

    async def admit(self, presented: Presented, opening: Opening) -> Admitted | NotAdmitted:
        """A durable decision. May wait for a person; is cancelled when the box hangs up."""
        ...

    def lives(self, admitted: Admitted) -> bool:
        """Whether it may still be used: kill, pause, grant, budget. Asked before each request, and several times a second."""
        ...

    def moved(self, admitted: Admitted, up: int, down: int) -> bool:
        """Count bytes. False: over the budget, close now."""
        ...

    async def secret(self, admitted: Admitted) -> str | None:
        """The whole value of the rule's header, looked up now. Raises UnavailableError."""
        ...

    async def ended(self, admitted: Admitted) -> None:
        """This use is over. Called exactly once for each admission."""
        ...

    async def refused(self, presented: Presented, opening: Opening, refusal: Refusal) -> str:
        """The enforcement point said no by itself (a malformed head, another's server name, a private address): record it.

        Returns the entry, or nothing where refusals come too fast to have one each. Where the bytes named no host, `opening`
        has an empty one.
        """
        ...


class Resolver(Protocol):
    """Names to addresses, once for each connection."""

    async def resolve(self, host: str) -> Sequence[str]:
        """All addresses. Raises OSError."""
        ...


class Dialler(Protocol):
    """Opens connections to addresses that were judged."""

    async def dial(self, address: str, port: int) -> socket.socket:
        """Connected, non-blocking, the caller's to close. Raises OSError."""
        ...
