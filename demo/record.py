"""What was tried and what came of it, as the log has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from demo.agent import Answer

Choice = Literal["approve", "deny"]


@dataclass(frozen=True)
class Vote:
    """A person's decision on one approval."""

    by: str
    choice: Choice
    reason: str
    entry: str


@dataclass(frozen=True)
class Attempt:
    """One call of an agent."""

    agent: str
    tool: str
    arguments: Mapping[str, Any]
    decisions: tuple[Mapping[str, Any], ...]
    """Its decision entries, as the log has them: more than one where a person was asked."""
    answer: Answer
    hostile: bool
    expected: str
    """`allow` or `deny`: how it has to end."""
    vote: Vote | None = None

    @property
    def ended(self) -> str:
        """The last decision: `allow`, `ask`, `deny`; `nothing` where the log has none."""
        return str(self.decisions[-1]["decision"]) if self.decisions else "nothing"

    @property
    def is_below_cap(self) -> bool:
        """A turn of a loop that its cap still lets through."""
        return self.vote is None and self.expected == self.ended == "allow"

    @property
    def took_effect(self) -> bool:
        return self.ended == "allow" and not self.answer.is_error

    @property
    def entry(self) -> str:
        return str(self.decisions[-1]["id"]) if self.decisions else "-"

    @property
    def codes(self) -> tuple[str, ...]:
        """Why, in the log's reason codes, without repetitions."""
        reasons = self.decisions[-1]["body"]["reasons"] if self.decisions else []
        return tuple(dict.fromkeys(str(reason["code"]) for reason in reasons))


@dataclass
class Record:
    """Everything that the judge has to know."""

    attempts: list[Attempt] = field(default_factory=list[Attempt])
    killed_at: float = 0.0
    """When the kill was acknowledged, in seconds since the epoch."""
    verified: bool = False
    """The command line found the log whole."""
