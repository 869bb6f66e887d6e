"""What one call of a model used, by kind of token. Plain counts; `core.metering.prices` says what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

WEB_SEARCH: Final = "web_search_requests"
WEB_FETCH: Final = "web_fetch_requests"
CONTAINER: Final = "container"
"""A container of code execution. No answer reports it: it is counted once for a request that may start one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of one model. `plain` is what was neither written to the cache nor read from it."""

    plain: int = 0
    write_5m: int = 0
    write_1h: int = 0
    read: int = 0
    output: int = 0
    """Thinking included."""

    @property
    def prompt(self) -> int:
        """Everything that the model was given."""
        return self.plain + self.write_5m + self.write_1h + self.read

    @property
    def total(self) -> int:
        return self.prompt + self.output

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            plain=self.plain + other.plain,
            write_5m=self.write_5m + other.write_5m,
            write_1h=self.write_1h + other.write_1h,
            read=self.read + other.read,
            output=self.output + other.output,
        )


NONE: Final = Tokens()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Everything that one answer is billed for."""

    model: str
    """Who answered. Of a request that failed before: who was asked."""
    tokens: Tokens = NONE
    besides: tuple[tuple[str, Tokens], ...] = ()
    """What other samplings of the same request used, by model: compactions, advisors, attempts that gave way to a fallback.
    They are not part of `tokens`."""
    tools: Mapping[str, int] = field(default_factory=dict[str, int])
    """Uses of server tools, by the name that the answer counts them under."""
    fast: bool = False
    us_only: bool = False
    """Inference was held to the United States, which costs more."""
    batch: bool = False

    @property
    def all_tokens(self) -> Tokens:
        """The sum over all samplings."""
        return sum((tokens for _, tokens in self.besides), self.tokens)
