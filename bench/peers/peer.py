"""What is known of one peer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.upstream import READ

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Front:
    """Where a running peer serves the echo server's read."""

    path: str = "/mcp"
    tool: str = READ
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer in one way of using it."""

    name: str
    what: str
    home: str
    """Directory here, with the pinned requirements."""
    distribution: str
    command: Callable[[Path, str, int], list[str]]
    """From its own `bin`, the echo server's URL and a port."""
    front: Callable[[Path, str, int], Awaitable[Front]]
    """From the same, once it listens."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def venv(self) -> Path:
        return HERE / self.home / ".venv"
