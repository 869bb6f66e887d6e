"""Where secrets are kept: read late, by reference, never written down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn, Protocol

MAX_SECRET_BYTES = 64 * 1024


class Secret:
    """A secret's value, which shows itself only to who asks for it by name: not to `repr`, logs or serialisers."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value, for the place that sends it."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not serialised")


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is found: `env:NAME`, `file:PATH`, `exec:COMMAND` or `vault:MOUNT/PATH#FIELD`."""

    source: str
    folder: str = ""
    """What a relative path or command starts from."""

    @property
    def kind(self) -> str:
        """The word before the colon."""
        return self.source.partition(":")[0]

    @property
    def name(self) -> str:
        """What stands after it."""
        return self.source.partition(":")[2]

    def __str__(self) -> str:
        return f"`{self.source}`"


class SecretSource(Protocol):
    """One kind of place."""

    async def read(self, ref: SecretRef) -> Secret:
        """The value as it is now, of 1 byte to 64 KiB of UTF-8.

        Raises UnavailableError, naming the reference and never a value: nothing is there, it is empty, too large or no
        text, may not be read, or the place does not answer in time.
        """
        ...

    async def close(self) -> None:
        """Let go of connections; a second time does nothing."""
        ...


LateSecret = Callable[[], Awaitable[Secret]]
"""One secret, looked up when it is called. Raises UnavailableError, naming the reference."""


class LateValues(Protocol):
    """Named values of which some are secret, looked up when they are needed: headers, an environment."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def fresh(self) -> Mapping[str, str] | None:
        """The values, where none has to be looked up: the same object for as long as nothing changes. None: ask `read`."""
        ...

    async def read(self) -> Mapping[str, str]:
        """The values. Raises UnavailableError, naming the reference that cannot be read."""
        ...

    def doubt(self) -> None:
        """Whoever got the values refused them: look them up anew, unless that was done a moment ago."""
        ...
