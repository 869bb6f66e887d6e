"""How one upstream server is reached. Seconds and bytes throughout."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ringfence.adapters.wire.mcp import Era
from ringfence.ports.secrets import LateValues
from ringfence.ports.server_box import ServerBoxes

MIB = 1024 * 1024
CATALOGUE = "catalogue"
"""The principal of listings: no run shares its session or process."""
MINIMAL_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """A server over streamable HTTP."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Headers of the gateway's own for this server."""
    late_headers: LateValues | None = None
    """Those that hold its credentials: asked for at each request."""
    on_behalf: str = ""
    """Calls are sent with a token for this target, in the name of a user, or not at all; empty: never with one."""
    era: Era | None = None
    """None: ask the server once."""
    connect_s: float = 5.0
    first_byte_s: float = 30.0
    """How long a server may think before its answer begins. A server that answers in one piece of JSON needs it for all its
    work; waiting for the client's answers is not counted."""
    list_s: float = 60.0
    """All pages of one listing, the handshake included."""
    slow_s: float = 0.5
    """A failed connect that took longer is not tried again for each call: what is refused at once costs nobody anything."""
    retry_s: float = 0.5
    """How long a server that could not be reached is left alone at first, then twice as long, and so on."""
    retry_most_s: float = 5.0
    tail_s: float = 0.1
    """How long a stream may stay open after its answer before the connection is given up."""
    cancel_s: float = 2.0
    answer_s: float = 10.0
    """For the answer to a server's request to be taken."""
    round_pause_s: float = 0.05
    """Before a call is repeated for the first time whose server asks for nothing but to come back."""
    keepalive_s: float = 4.0
    """Less than what common servers keep (5 s), so that a kept connection is rarely closed under a call."""
    max_response: int = 16 * MIB
    max_listing: int = 64 * MIB
    """What all pages of one listing may take in memory; it is kept as long as the server is configured."""
    max_event: int = MIB
    max_events: int = 1000
    max_connections: int = 100
    max_streams: int = 1000
    """Streams that stay open for notices and requests, each on a connection of its own."""
    max_sessions: int = 10_000
    """Legacy sessions, one for each principal and what is declared for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StdioOptions:
    """A server that is started as a child process, one for each principal."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Added to an environment that holds nothing but a minimal PATH."""
    late_env: LateValues | None = None
    """What of it is secret: asked for when a process starts."""
    box: ServerBoxes | None = None
    """Where its processes run; then `command`, `args` and `cwd` are what the boxes say. None: as children of this process."""
    principal: str = CATALOGUE
    """Whose process it is."""
    cwd: str | None = None
    era: Era | None = None
    """None: ask the first process once."""
    probe_s: float = 10.0
    """Silence after which a server is taken for a legacy one."""
    start_s: float = 10.0
    stop_s: float = 2.0
    """Waited after closing stdin, and again after SIGTERM."""
    list_s: float = 60.0
    ask_s: float = 10.0
    """For a request that is no call: a log level, a subscription."""
    round_pause_s: float = 0.05
    """Before a call is repeated for the first time whose server asks for nothing but to come back."""
    retry_s: float = 0.5
    """How long a server that does not start, or does not stay, is left alone at first, then twice as long, and so on."""
    retry_most_s: float = 30.0
    idle_s: float = 600.0
    max_line: int = 4 * MIB
    max_listing: int = 64 * MIB
    """What all pages of one listing may take in memory; it is kept as long as the server is configured."""
    max_junk: int = 8
    """Lines that are not MCP, after which the process is killed."""
    max_stderr: int = 65_536
    hidden: frozenset[str] = field(default=frozenset(), repr=False)
    """Values that the process was given and that no operator sees in what it writes."""
    redact: Callable[[str], str] = field(default=str, repr=False)
    """Masks what else is known to be secret in what it writes."""
    max_processes: int = 32
