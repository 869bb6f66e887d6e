"""How much one client may take. Every value is a starting value, for the operator to change."""

from dataclasses import dataclass

from ringfence.core.metering.request import LARGEST_BODY


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyLimits:
    """What the proxy holds its clients to. Bytes and seconds."""

    body_bytes: int = LARGEST_BODY
    bodies_bytes_per_run: int = 96 << 20
    """Of all requests of one run that have not been answered yet."""
    bodies_bytes: int = 256 << 20
    body_s: float = 60.0
    """For a whole request body."""
    taken_s: float = 600.0
    """For taking an answer that has come whole."""
    break_off_s: float = 0.05
    """How long a client may take for the last words of an answer that is ended."""
