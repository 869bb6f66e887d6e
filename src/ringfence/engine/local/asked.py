"""What a client's hook tells of, as values of no client's own: every dialect makes these, and renders the answers.

Nothing of an event is believed but that the holder of the run's credential has sent it. Ids, modes and agents of a client are
its word: they are recorded, and can only make a decision stricter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Happening(StrEnum):
    """What happened, or is about to."""

    BEFORE = "before"
    """A tool is about to be used: nothing happens until the answer."""
    AFTER = "after"
    """It was used."""
    FAILED = "failed"
    """It was used, and failed: the client shows its output whatever is answered."""
    BATCH = "batch"
    """All uses of one answer of the model are over; their results go to the model next."""
    PERMISSION = "permission"
    """The client would ask its person about a use."""
    PROMPT = "prompt"
    CONFIG = "config"
    """The client's configuration has changed, and is about to be used."""
    BEGIN = "begin"
    END = "end"
    STOP = "stop"
    """The model has come to the end of its turn."""
    AGENT_BEGIN = "agent_begin"
    AGENT_END = "agent_end"
    OTHER = "other"


GATES = frozenset(
    {
        Happening.BEFORE,
        Happening.BATCH,
        Happening.PERMISSION,
        Happening.PROMPT,
        Happening.CONFIG,
        Happening.AFTER,
        Happening.FAILED,
    }
)
"""Those that an answer can hold something up at. To the others a refusal would say: go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """One use of a tool."""

    tool: str
    """Canonical (`core.own_tools.local_calls`), or empty: a tool of an MCP server."""
    client_tool: str
    """The client's own name."""
    input: Mapping[str, Any] = field(default_factory=dict[str, Any])
    use: str = ""
    """The model's id of it; empty: the client says none."""
    server: str = ""
    """The MCP server, as the client calls it."""
    result: Any = None
    """What it brought, as the client writes it; after it was used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One call of a hook."""

    happening: Happening
    name: str
    """As the client calls it."""
    cwd: str = ""
    session: str = ""
    agent: str = ""
    """The subagent inside the client; empty: its main agent."""
    mode: str = ""
    use: ToolUse | None = None
    uses: tuple[ToolUse, ...] = ()
    """Of a batch."""
    error: str = ""
    prompt: str = ""
    is_made_up: bool = False
    """The prompt is of the client itself, not somebody's: it may hold what a subagent says."""
    source: str = ""
    is_for_good: bool = False
    """Of an end: a person has left the client, and does not go on in another conversation of it."""
    path: str = ""
    """Of a change of configuration: the file."""

    @property
    def said(self) -> dict[str, str]:
        """What the client says of itself, for the record."""
        named = {"session": self.session, "agent": self.agent, "mode": self.mode}
        return {name: text for name, text in named.items() if text}


class Say(StrEnum):
    NOTHING = "nothing"
    """The client goes on as if nobody had been asked."""
    ALLOW = "allow"
    REFUSE = "refuse"
    HALT = "halt"
    """It is refused, and the client's turn ends: the run was killed, or has to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a hook is told."""

    say: Say
    why: str = ""
    """For the agent: the class of a rule, never more."""
    input: Mapping[str, Any] | None = None
    """What has been decided on instead of what was asked for; None: it is what was asked for."""
    is_replaced: bool = False
    """Whether `result` takes the place of what the tool brought."""
    result: Any = None
    is_withheld: bool = False
    """Nothing of what the tool brought may be seen."""
    lastly: Callable[[], Answer | None] | None = field(default=None, compare=False)
    """Asked with no await before the first byte of the answer: what is said instead, where a stop has come since (I6)."""


NOTHING = Answer(say=Say.NOTHING)
