"""An upstream MCP server, as the engine sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ringfence.core.model import CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One call to be sent, exactly as decided."""

    call: CallId
    principal: str
    """Upstream sessions and processes are never shared between principals."""
    tool: str
    """The server's own name of it."""
    arguments: bytes
    """RFC 8785 canonical JSON object. These bytes go out, nothing else."""
    may_send: Callable[[], bool]
    """Asked with no await between the answer and the first byte; False: send nothing, answer `NotSent`."""
    deadline_s: float
    on_progress: Callable[[Mapping[str, Any]], None] | None = None
    """Called with `progress`, `total`, `message` of each progress notification of this call."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The server's result object, strictly parsed (a `CallToolResult`; `isError` may be true)."""

    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """The server answered with a JSON-RPC error: it may or may not have acted."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """Provably nothing left: refused connection, `may_send` said no, or cancelled before the first byte."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Bytes left and no valid answer came: the outcome is AMBIGUOUS. Never retried."""

    why: str


Reply = Answered | Failed | NotSent | Unknown


class Upstream(Protocol):
    """One configured server. Implementations own connections, sessions, processes, the era and all deadlines.

    `call` never raises for anything that the server does. On cancellation it cancels upstream as the era demands, answers
    nothing, and re-raises CancelledError only when no further byte of the call can leave.
    """

    async def list_tools(self) -> tuple[Mapping[str, Any], ...]:
        """All tool objects of all pages, as listed. Raises UnavailableError."""
        ...

    async def call(self, sending: Sending) -> Reply: ...

    async def forget(self, principal: str) -> None:
        """End the sessions and processes of a principal whose run has ended."""
        ...

    async def close(self) -> None: ...
