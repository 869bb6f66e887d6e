"""An upstream MCP server, as the engine sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol

from ringfence.core.model.identifiers import CallId
from ringfence.ports.secrets import Secret

TOOLS_CALL = "tools/call"


@dataclass(frozen=True, slots=True)
class ServerRequest:
    """What a server asks of the client during a call: `sampling/createMessage`, `elicitation/create` or `roots/list`."""

    method: str
    params: Mapping[str, Any]
    origin: str = ""
    """The server that asks, once the gateway has judged the request; empty as it comes from an adapter."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The client's answer: a result object of that method."""

    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Declined:
    """The client, or the gateway in its place, says no."""

    code: int
    message: str


ClientAnswer = Granted | Declined
Asker = Callable[[Mapping[str, ServerRequest]], Awaitable[Mapping[str, ClientAnswer]]]
"""Asks the client several things at once, by the server's keys; answers every one of them. Never raises but CancelledError."""


def keep_all(size: int) -> bool:
    """Room without a bound."""
    del size
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One call to be sent, exactly as decided."""

    call: CallId
    entry: str = ""
    """Of the decision, as people know it."""
    principal: str
    """Upstream sessions and processes are never shared between principals."""
    method: str = TOOLS_CALL
    """Or `resources/read`, `prompts/get`, `completion/complete`."""
    tool: str
    """The server's own name of it; empty for methods other than `tools/call`."""
    arguments: bytes
    """RFC 8785 canonical JSON object: a tool's arguments, or another method's params. These bytes go out, nothing else."""
    headers: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    """Over HTTP: further headers of this call's own requests."""
    bearer: Secret | None = None
    """Over HTTP: a token in the name of a user, instead of the gateway's own `Authorization`, in every request that is made for
    this principal."""
    bearer_for: str = ""
    """For whom it is; an adapter whose server has another one, or none, sends nothing."""
    on_refused: Callable[[], None] | None = None
    """Called where the server does not accept `bearer`."""
    env: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    """Over stdio: further variables of the process. Whoever gives other ones names another principal."""
    may_send: Callable[[], bool]
    """Asked with no await between the answer and the first byte; False: send nothing, answer `NotSent`.

    Asked again before each repetition of the call, and before each answer of the client to the server: False there means that
    nothing more leaves, and the outcome is `Unknown`.
    """
    deadline_s: float
    on_progress: Callable[[Mapping[str, Any]], None] | None = None
    """Called with `progress`, `total`, `message` of each progress notification of this call."""
    legacy_client: bool = False
    """The agent's client is of the legacy era. A server that serves both eras is then spoken to in the older one where it may
    want to ask something or to log, since only there can it do so while the call is under way."""
    capabilities: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What is declared to the server for this call: the client's own capabilities, less whatever the operator did not grant."""
    on_requests: Asker | None = None
    """Where the server's requests during this call go; None: each is declined. An adapter answers the server with the outcome:
    on the call's stream (legacy), or by repeating the call with `inputResponses` and the server's `requestState`, at most ten
    rounds (modern)."""
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further members of `_meta`: the client's trace context and vendor keys, never one that the gateway writes itself."""
    log_level: str | None = None
    """The least severe log message that the client wants; None: none."""
    on_log: Callable[[Mapping[str, Any]], None] | None = None
    """Called with the params of each `notifications/message` of this call."""
    may_keep: Callable[[int], bool] = keep_all
    """Asked for room before so many bytes more of the answer are kept; given back by whoever sent the call, when nobody holds
    the answer any more. False: the answer is dropped, and the outcome is `Unknown`. Told a negative number when bytes are
    dropped earlier."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The server's result object, strictly parsed (a `CallToolResult`; `isError` may be true)."""

    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """The server answered with a JSON-RPC error: it may or may not have acted."""

    code: int
    message: str
    data: Any = None
    """The error's `data`, strictly parsed; it is the server's word."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """Provably nothing left: refused connection, `may_send` said no, or cancelled before the first byte."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Bytes left and no valid answer came: the outcome is AMBIGUOUS. Never retried."""

    why: str


NOTHING_DECLARED: Mapping[str, Any] = MappingProxyType({})
Reply = Answered | Failed | NotSent | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a server says of itself, every page read. A list is empty where its capability is not declared."""

    era: str
    """`legacy` or `modern`."""
    capabilities: Mapping[str, Any]
    """As declared."""
    instructions: str = ""
    tools: tuple[Mapping[str, Any], ...] = ()
    resources: tuple[Mapping[str, Any], ...] = ()
    templates: tuple[Mapping[str, Any], ...] = ()
    prompts: tuple[Mapping[str, Any], ...] = ()
    declared: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The client's capabilities that were declared to the server when it said this."""
    richer: Described | None = None
    """What it says to a client that declares more, where that is something else."""
    left_out: tuple[str, ...] = ()
    """What the lists do not hold although the server lists it, and why; for operators, bounded. It exists for no agent."""


class NoticeKind(StrEnum):
    TOOLS = "tools"
    PROMPTS = "prompts"
    RESOURCES = "resources"
    UPDATED = "updated"
    """One resource; `uri` says which."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A server's word that something has changed. Never passed on raw."""

    kind: NoticeKind
    uri: str = ""


class HealthState(StrEnum):
    UP = "up"
    STARTING = "starting"
    BACKING_OFF = "backing_off"
    """It failed, and is left alone until the next try."""
    UNREACHABLE = "unreachable"
    """It failed when it was last tried; the next use tries again."""
    IDLE = "idle"
    """Nothing runs or was tried, and nothing is wrong."""
    UNUSABLE = "unusable"
    """Its configuration cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How an adapter stands with its server, now. For operators only: servers may have written parts of it. Ages in seconds."""

    state: HealthState
    transport: str = ""
    """`http` or `stdio`."""
    era: str = ""
    """`legacy` or `modern`; empty: not known yet."""
    error: str = ""
    """What went wrong last, though all may be well again."""
    error_s: float | None = None
    """How long ago."""
    failing_s: float | None = None
    """How long it has not been reached."""
    retry_s: float | None = None
    """Until it may be tried again."""
    restarts: int = 0
    """Processes that were started in place of one that ended by itself or did not start."""
    running: int = 0
    """Processes, or sessions of the older era."""
    boxed: tuple[str, ...] | None = None
    """What contains its processes, by layers; None: they run in no box."""
    stderr: tuple[str, ...] = ()
    """The last lines, with no hidden character and none of the values that the process was given as secrets."""
    oddities: Mapping[str, int] = field(default_factory=dict[str, int])
    """What the server sent that it should not have, by kind."""


class Upstream(Protocol):
    """One configured server. Implementations own connections, sessions, processes, the era and all deadlines.

    `call` never raises for anything that the server does. On cancellation it cancels upstream as the era demands, answers
    nothing, and re-raises CancelledError only when no further byte of the call can leave.
    """

    async def describe(self, declared: Mapping[str, Any] = NOTHING_DECLARED) -> Described:
        """Capabilities and every list, as a client sees them that declares these capabilities. Raises UnavailableError."""
        ...

    async def listen(
        self,
        uris: frozenset[str],
        on_notice: Callable[[Notice], None],
        on_listening: Callable[[], None] | None = None,
    ) -> None:
        """Pass on the server's change notices, with updates of these resources, until cancelled.

        `on_listening` is called when the server has taken note: what changes from then on is told.
        Returns at once where the server offers none. Raises UnavailableError when the connection is lost.
        """
        ...

    async def call(self, sending: Sending) -> Reply: ...

    def health(self) -> Health:
        """Never asks the server."""
        ...

    async def forget(self, principal: str) -> None:
        """End the sessions and processes of a principal whose run has ended, and of those named `principal|...`."""
        ...

    async def close(self) -> None: ...
