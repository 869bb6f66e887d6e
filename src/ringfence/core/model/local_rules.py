"""What holds for the tools of a coding agent's own client: where it works, what it may not read, how far it may go."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Client(StrEnum):
    """Whose hooks call."""

    CLAUDE_CODE = "claude-code"
    CODEX = "codex"


class Words(StrEnum):
    """What prompts that the client tells of count for."""

    IGNORED = "ignored"
    """They are recorded, and speak for nothing."""
    CLIENT_ATTESTED = "client-attested"
    """They are people's words, by the client's own word."""


class Outcome(StrEnum):
    """What follows from something that was found."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRules:
    """Files that hold secrets, and secrets in what is written, sent or committed."""

    deny: tuple[str, ...] = ()
    """Patterns of paths besides the built-in ones (`core/permissions/secret_paths.py`), in gitignore syntax."""
    allow: tuple[str, ...] = ()
    """Patterns of paths that are none, although a pattern fits."""
    contents: Outcome = Outcome.DENY
    """What follows where a secret stands in what would be written, sent or committed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overreach:
    """How far a run may go in its files. Caps on files and lines are among its limits (`Limits.files`, `Limits.lines`)."""

    outside: Outcome = Outcome.ASK
    """What follows where an act touches a path outside of the run's directories that no rule speaks of."""
    protected: tuple[str, ...] = ()
    """Patterns of paths that need a person besides the built-in ones (`core/permissions/protected_paths.py`)."""
    unprotected: tuple[str, ...] = ()
    """Patterns of paths that need none, although a built-in pattern fits."""
    quorum: int = 1
    """How many people have to approve a write to a protected path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherMcp:
    """MCP servers that the client has besides the gateway."""

    gateway: frozenset[str] = frozenset({"ringfence"})
    """Names that the client knows the gateway by: its calls are decided where they arrive, not at the hook."""
    others: Outcome = Outcome.DENY
    """What follows where a tool of any other server is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRules:
    """Of one agent. An agent without them has no hooks: whatever its client tells of is refused."""

    client: Client = Client.CLAUDE_CODE
    roots: tuple[str, ...] = ()
    """The run's directories, the project first. Absolute, links followed. Empty: where its client was started, by its word."""
    words: Words = Words.IGNORED
    secrets: SecretRules = SecretRules()
    overreach: Overreach = Overreach()
    mcp: OtherMcp = OtherMcp()
    guard_rails: tuple[str, ...] = ()
    """Paths, and folders with all below them, that the run's own rules are read from or kept in. Absolute."""
    hold_s: float = 840.0
    """How long a call is held for a person, in seconds: below the time-out of its hook."""
    home: str = ""
    """The home directory of the user that the client is; empty: that of the user whom the agent's rules name."""
