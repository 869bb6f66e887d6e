"""Numbers for a scraper: what was counted, and how the gateway stands at the moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ringfence.core.model.identifiers import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterState:
    """One meter that runs share. Amounts of money and of sums are in millionths."""

    kind: str
    owner: str
    """`agent/ID`, `team/NAME`, `gateway`, `server/ID` or `tool/ID`."""
    of: str
    """What of the owner's: `all`, or a tool and an argument."""
    window_s: int
    used: int
    """Held and spent."""
    held: int
    cap: int
    is_micro: bool
    """Whether the amounts are millionths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    server: str
    state: str
    restarts: int
    running: int
    """Processes, or sessions of the older era."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayState:
    """How it stands. What the store knows is absent (None, or empty) while nothing can be read from it."""

    version: str
    is_ready: bool
    started_at: Millis | None = None
    runs_open: Mapping[str, int] = field(default_factory=dict[str, int])
    """By agent."""
    calls_under_way: Mapping[str, int] = field(default_factory=dict[str, int])
    """Allowed calls without an outcome, by tool: each holds what it may cost."""
    approvals_pending: Mapping[str, int] = field(default_factory=dict[str, int])
    """By agent."""
    pending_since: Millis | None = None
    """Of the approval that has waited longest."""
    stops: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """In force, by mode and kind of scope."""
    meters: tuple[MeterState, ...] = ()
    servers: tuple[ServerState, ...] = ()
    log_size: int | None = None
    log_signed: int | None = None
    """Entries under the newest checkpoint."""
    log_signed_at: Millis | None = None
    """When that was signed; None: not by this process."""
    log_cosigned: int | None = None
    """Entries under the newest head that enough witnesses have cosigned; None: there are none."""


class Metrics(Protocol):
    """Counts since the process began, kept elsewhere, with a state of the moment."""

    content_type: str

    def render(self, state: GatewayState) -> bytes:
        """All of it, for a scraper. May be called in a thread."""
        ...
