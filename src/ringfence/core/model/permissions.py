"""The permission lists of a coding agent: rules in the syntax that teams have in their client's settings.

What a rule says is read once (`core/permissions/reading.py`); what it means for one call is `core/permissions/weighing.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringfence.core.model.verdict import Level


class Listed(StrEnum):
    """In which list a rule stands. Deny goes before ask, and ask before allow, however exact a rule is."""

    DENY = "deny"
    ASK = "ask"
    ALLOW = "allow"


LEVELS = {Listed.DENY: Level.DENY, Listed.ASK: Level.ASK, Listed.ALLOW: Level.ALLOW}


class Speaks(StrEnum):
    """What the text in the brackets of a rule is about."""

    TOOL = "tool"
    """There are no brackets: every call of the tool, or of the tools that a glob fits."""
    COMMAND = "command"
    """A command: `Bash(git push *)`."""
    PATH = "path"
    """Paths: `Read(~/.ssh/**)`."""
    DOMAIN = "domain"
    """A host: `WebFetch(domain:docs.example)`."""
    NAME = "name"
    """A kind of agent, or a skill: `Agent(Explore)`."""
    PARAMETER = "parameter"
    """One argument: `Agent(model:opus)`."""
    STATEMENT = "statement"
    """SQL in a call of a server's tool: `mcp__db__query(*DROP TABLE*)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionRule:
    """One rule of one list."""

    listed: Listed
    text: str
    """As it was written."""
    source: str = ""
    """Where it stands, for people: a key of the configuration, or a settings file with its key."""
    speaks: Speaks
    tool: str
    """The client's name of the tool, or a glob."""
    pattern: str = ""
    """What stands in the brackets; of a host without `domain:`, of an argument its value."""
    parameter: str = ""
    anchor: str = ""
    """The folder that a path with one leading `/` begins at. Absolute; empty: the first of the run's directories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionLists:
    """All rules that hold for an agent, of every source. Their order means nothing."""

    deny: tuple[PermissionRule, ...] = ()
    ask: tuple[PermissionRule, ...] = ()
    allow: tuple[PermissionRule, ...] = ()
    directories: tuple[str, ...] = ()
    """Folders besides the run's own directories that it works in. Absolute, links followed."""

    @property
    def rules(self) -> tuple[PermissionRule, ...]:
        return (*self.deny, *self.ask, *self.allow)
