"""How much one client may take. Every value is a starting value, for the operator to change."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HookLimits:
    """What the hook endpoint holds its clients to. Bytes and seconds."""

    body_bytes: int = 16 << 20
    """Of one event: what a tool has read or written stands in it."""
    bodies_bytes_per_run: int = 64 << 20
    """Of all events of one run that have not been answered yet; of everybody who is not known, together."""
    bodies_bytes: int = 256 << 20
    body_s: float = 30.0
    """For a whole event."""
