"""How much one client may take. Every value is a starting value, for the operator to change."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayLimits:
    """What the gateway holds its clients to; the connection's own limits are in `http_protocol.py`."""

    body_bytes: int = 4 << 20
    free_body_bytes: int = 64 * 1024
    """Of each body, that count for neither of the following."""
    bodies_bytes_per_run: int = 32 << 20
    """Of all requests of one run that have not been answered yet."""
    bodies_bytes: int = 96 << 20
    """Of all of them together: what hostile bodies can take of the memory."""
    free_answer_bytes: int = 256 * 1024
    """Of each answer of a server, that count for neither of the following; an answer that nobody waits for may have no more."""
    answers_bytes_per_run: int = 96 << 20
    """What the answers of servers may take in memory until their clients have them, for one run."""
    answers_bytes: int = 128 << 20
    """For all of them together."""
    body_s: float = 30.0
    """For a whole request body."""
    calls_per_run: int = 32
    """Calls under way, and bodies being read."""
    session_idle_s: float = 30 * 60
    sessions: int = 10_000
    sessions_per_run: int = 20
    stream_after_s: float = 2.0
    """How long an answer is awaited before the response becomes an event stream."""
    keep_alive_s: float = 15.0
    """Between two comments on a silent stream."""
    watch_after_s: float = 0.05
    """When to begin looking out for a client that leaves: most answers are there before."""
    hold_progress_s: float = 7.0
    """Between two progress notices while a person decides."""
    progress_per_call: int = 1000
    logs_per_call: int = 1000
    log_bytes: int = 16 * 1024
    """Of one log message."""
    progress_per_s: int = 20
    """Progress notices that come faster, after a burst of as many, are dropped."""
    state_s: float = 600.0
    """Life of a sealed `requestState`, and of a call that waits for its client's answers."""
    rounds: int = 1000
    """Calls that wait for their modern clients' answers."""
    rounds_per_run: int = 8
    answer_s: float = 300.0
    """How long a legacy client may take to answer what a server asked."""
    asked_per_session: int = 32
    """Questions that a legacy client has not answered yet."""
    page_items: int = 200
    """Of one page of a list."""
    streams_per_run: int = 20
    """Open streams of change notices."""
    listening_s: float = 2.0
    """How long the first word of such a stream waits until the servers have taken note."""
    subscriptions: int = 256
    """Resources that one stream or session is told about."""
    told: int = 64
    """Updated resources that wait to be told on one stream; beyond it the client is told to list them anew."""
    runs_per_minute: int = 60
    """Runs that one local user may open over the agents' socket."""
