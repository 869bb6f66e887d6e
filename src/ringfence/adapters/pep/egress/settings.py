"""How patient the way out of a box is, and how much it does at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Times in seconds."""

    connections: int = 128
    """Of one run at once."""
    head_s: float = 15.0
    """For a head, a first flight, a handshake: from the first byte that is waited for to the last."""
    connect_s: float = 15.0
    """To resolve and dial, and for the handshake upstream."""
    kept_s: float = 75.0
    """Between two requests of a connection."""
    idle_s: float = 600.0
    """Without a byte in either direction while something is under way."""
    grace_s: float = 2.0
    """Between the last byte that the box sends and giving up what it asked for."""
    look_s: float = 0.25
    """How often a kill is looked for where nothing moves."""
