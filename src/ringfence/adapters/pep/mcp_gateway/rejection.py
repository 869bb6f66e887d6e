"""A request that goes no further, as a value."""

from dataclasses import dataclass
from typing import Any

from ringfence.adapters.wire.jsonrpc import Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why, in words that an agent may read."""

    status: int
    """HTTP status."""
    code: int
    """JSON-RPC error code."""
    message: str
    id: Id | None = None
    data: Any = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    close: bool = False
    """End the connection: what is left of the request is not worth reading."""
    recorded: bool = True
    """Whether it deserves an entry where a principal is known. Not what well-behaved clients do as a matter of course."""
