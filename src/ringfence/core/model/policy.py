"""Policies as the operator wrote them, and what they have been compiled to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.core.model.identifiers import Digest, Millis, ToolId
from ringfence.core.model.verdict import Gate


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A moment as the wall clock of the configured time zone shows it."""

    hour: int
    minute: int
    weekday: int
    """1 is Monday, 7 is Sunday (ISO 8601)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One forbid."""

    id: str
    """Its `@id`, unique in the whole set."""
    text: str
    """The Cedar statement, annotations included."""
    place: str
    """`file.cedar:LINE`."""
    gate: Gate | None = None
    """Its `@approve`: what a person has to open where this forbid is what stands in the way. None: it denies."""
    words: str = ""
    """Its `@reason`: what people read on the card and in the log."""

    @property
    def named(self) -> str:
        """The policy as a reason names it."""
        return f"{self.id} ({self.place}){f': {self.words}' if self.words else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The operator's whole set, read but not yet compared with any tool."""

    digest: Digest
    policies: tuple[Policy, ...]
    local_time: Callable[[Millis], LocalTime]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySnapshot:
    """The set compiled for every tool whose definition is in use. Replaced whole."""

    digest: Digest
    shards: Mapping[ToolId, Any]
    """Per tool a `core.policy.shard.Shard`, or None where no policy names it. A tool that is missing is denied."""
    local_time: Callable[[Millis], LocalTime]
