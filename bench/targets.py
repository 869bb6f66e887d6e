"""What is measured: places that serve the echo server's tools, as clients of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.processes import Running
from bench.requests import Template, call
from ringfence.adapters.wire.mcp import Era


@dataclass(frozen=True, slots=True)
class Client:
    """One client: a connection of its own, and where sessions are needed one of its own."""

    host: str
    """With the port."""
    path: str
    tool: str
    era: Era
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    opens_session: bool = True
    """Legacy era only: whether it sends `initialize` first."""

    def template(self, session: str | None) -> Template:
        return call(self.host, self.path, self.tool, self.era, self.headers, session)


@dataclass(frozen=True, slots=True)
class Target:
    """One column of the measurement."""

    name: str
    what: str
    """In words, for the table."""
    clients: Sequence[Client]
    """As many as the highest concurrency."""
    process: Running
    """Whose CPU counts: what stands between client and server, or the server where nothing does."""

    @property
    def era(self) -> Era:
        return self.clients[0].era


@dataclass(frozen=True, slots=True)
class Absent:
    """A peer that could not be measured, and why."""

    name: str
    why: str
