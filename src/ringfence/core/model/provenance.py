"""Where the values of a call may come from: who is believed, and what a decision knows of what a run was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ringfence.core.model.identifiers import Millis, ToolId
from ringfence.core.model.label import CLEAN, Label
from ringfence.core.model.profile import Authority, Lookup, Records
from ringfence.core.model.verdict import Level
from ringfence.core.model.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceRules:
    """The operator's word on values and data of one agent's runs: whom it knows, and what happens where nothing speaks for a
    value. `ALLOW` switches a rule off."""

    underivable: Level = Level.ASK
    """An authority argument of a sink comes from no trusted source."""
    rule_of_two: Level = Level.ASK
    """An untrusted run that was given confidential data reaches outside."""
    contacts: tuple[str, ...] = ()
    """Addresses, accounts, phones, channels and names that are known, as the operator spells them."""
    hosts: tuple[str, ...] = ()
    """Own hosts, and `*.host` for those below one: they are not outside."""
    paths: tuple[str, ...] = ()
    """Roots; what lies below one is known."""
    values: tuple[str, ...] = ()
    """Whatever else may stand in an authority argument."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heard:
    """One result that a run was given, kept in memory for a while. Compared by identity: no two hearings are the same."""

    entry: str
    """Public id of the decision entry of the call that brought it."""
    tool: ToolId
    arguments: Mapping[str, Any]
    """What the call asked for, as the agent gave it."""
    value: Any
    """The MCP result as the agent got it: parsed JSON."""
    at: Millis
    label: Label = CLEAN
    lookup: Lookup | None = None
    """It was a trusted lookup: which of its fields count, reached by which arguments."""
    records: Records | None = None
    """Its records have names and ids of the server's own."""
    memo: dict[str, Any] = field(default_factory=dict[str, Any])
    """What was parsed of it, so that it is parsed once. A function of `value` alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What a decision may know of where values come from. None in its place: nobody looks."""

    rules: ProvenanceRules
    words: tuple[Words, ...] = ()
    """The trusted words of the run and the runs above it, the task first."""
    heard: tuple[Heard, ...] = ()
    """What the run was given last, oldest first. Bounded: what is no longer here derives nothing."""
    forgot: bool = False
    """Records that the run was given are no longer here, so no name is known to be one record's only."""
    memo: dict[str, Any] = field(default_factory=dict[str, Any], compare=False)
    """What was found out for the one call that this was gathered for, so that it is found out once. A function of the rest."""


class SourceKind(StrEnum):
    """Where a value comes from."""

    WORDS = "words"
    CONFIGURATION = "configuration"
    LOOKUP = "lookup"
    RECORD = "record"
    FIXED = "fixed"
    """The gateway filled it in, as the operator wrote it."""
    RESULT = "result"
    """Only in what a tool returned: this derives nothing."""
    NOWHERE = "nowhere"
    """Seen nowhere: the agent made it up, or had it from where nobody looks."""
    UNASKED = "unasked"
    """Of no value: none of the words by which people would ask for the call has been said."""


TRUSTED_SOURCES = frozenset(
    {SourceKind.WORDS, SourceKind.CONFIGURATION, SourceKind.LOOKUP, SourceKind.RECORD, SourceKind.FIXED}
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the value of one argument comes from."""

    pointer: str
    """JSON pointer of the leaf."""
    authority: Authority
    kind: SourceKind
    where: str = ""
    """For people, in the gateway's own words: whose words and when, or which tool and which place of its result."""
    entry: str = ""
    """The entry of the call whose result it is, where one is."""
    quoted: str = ""
    """The passage that says it, at most 200 characters, as it stands there."""
    near: str = ""
    """Of what nothing speaks for: something trusted that differs from it in one character."""

    @property
    def is_derived(self) -> bool:
        """Whether a trusted source speaks for it."""
        return self.kind in TRUSTED_SOURCES
