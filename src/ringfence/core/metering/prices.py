"""What tokens cost: a dated table in whole numbers, and the price of one answer.

Money is counted in millionths of a US dollar. A rate is what a million tokens cost in that unit, so a rate of 5_000_000 is five
dollars per million tokens, and `tokens * rate` is exact. One answer is rounded up once, at the end: the sum of what is recorded
is never less than the bill.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final, Self

from ringfence.core.metering.tokens import CONTAINER, WEB_FETCH, WEB_SEARCH, Tokens, Usage

PER: Final = 1_000_000
"""Tokens that a rate is for."""
MOST_RATE: Final = 10**12
"""A million dollars for a million tokens: beyond it a rate is a slip of the pen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Micro-dollars for a million tokens of each kind."""

    plain: int
    write_5m: int
    write_1h: int
    read: int
    output: int

    def __post_init__(self) -> None:
        for each in fields(self):
            if not 0 <= getattr(self, each.name) <= MOST_RATE:
                raise ValueError(f"{each.name} is no rate from 0 to {MOST_RATE}")

    @property
    def dearest_input(self) -> int:
        """What a million tokens of a prompt cost at most, whatever the cache does with them."""
        return max(self.plain, self.write_5m, self.write_1h, self.read)

    def times(self, factor: int) -> Rates:
        return Rates(
            plain=self.plain * factor,
            write_5m=self.write_5m * factor,
            write_1h=self.write_1h * factor,
            read=self.read * factor,
            output=self.output * factor,
        )

    def of(self, tokens: Tokens) -> int:
        """Millionths of a micro-dollar."""
        return (
            tokens.plain * self.plain
            + tokens.write_5m * self.write_5m
            + tokens.write_1h * self.write_1h
            + tokens.read * self.read
            + tokens.output * self.output
        )

    @classmethod
    def dearest(cls, rates: Iterable[Rates]) -> Rates:
        """The most of each. Raises ValueError where there are none."""
        known = list(rates)
        return cls(
            plain=max(each.plain for each in known),
            write_5m=max(each.write_5m for each in known),
            write_1h=max(each.write_1h for each in known),
            read=max(each.read for each in known),
            output=max(each.output for each in known),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one model costs."""

    rates: Rates
    long: Rates | None = None
    """Instead of `rates`, for every token of a request whose prompt is longer than `long_over` tokens."""
    long_over: int = 0
    fast: Rates | None = None
    """Of answers at fast speed. None: not known, so six times the rates, the most that was ever asked for it."""
    us_percent: int = 110
    """Of inference that is held to the United States, in percent of everything else."""
    batch_percent: int = 50
    context: int = 1_000_000
    """Tokens that the model can take in and give out at once. 0: not known, so nothing is bounded by it."""
    checked: str = ""
    """When somebody last compared it with its source, YYYY-MM-DD."""
    source: str = ""
    is_verified: bool = True
    """Whether it was read from the vendor's own page."""

    def rates_for(self, prompt: int, *, fast: bool = False) -> Rates:
        """The rates of an answer to a prompt of so many tokens."""
        if fast:
            return self.fast or (self.long or self.rates).times(6)
        return self.long if self.long is not None and prompt > self.long_over else self.rates

    def dearest_rates(self, prompt: int, *, fast: bool = False) -> Rates:
        """The most of each for a prompt of at most so many tokens."""
        known = [self.rates_for(0), self.rates_for(prompt)]
        return Rates.dearest([*known, self.rates_for(prompt, fast=True)] if fast else known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """All prices that are known. Models by their plain name, as `plain_name` gives it."""

    models: Mapping[str, Price]
    tools: Mapping[str, int]
    """Micro-dollars for one use of a server tool. One that is missing costs as much as the dearest."""
    refuses_unknown: bool = False
    """Whether a model that is not in the table has no price; else it costs as much as the dearest one."""

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("a table of prices needs a model")

    def of(self, model: str) -> Price | None:
        """The price of a model under any of its names; None: it has none, so it must not be called."""
        known = self.models.get(model) or self.models.get(plain_name(model))
        return known if known is not None or self.refuses_unknown else self.dearest

    def knows(self, model: str) -> bool:
        return model in self.models or plain_name(model) in self.models

    @property
    def dearest(self) -> Price:
        """The most of everything that any model costs."""
        known = list(self.models.values())
        return Price(
            rates=Rates.dearest(rates for each in known for rates in (each.rates, each.long) if rates is not None),
            fast=Rates.dearest(each.rates_for(each.long_over + 1, fast=True) for each in known),
            us_percent=max(each.us_percent for each in known),
            batch_percent=100,
            context=0 if any(not each.context for each in known) else max(each.context for each in known),
            source="the most of every model in the table",
            is_verified=False,
        )

    def of_tool(self, name: str) -> int:
        """What one use of a server tool costs at most."""
        known = self.tools.get(name)
        return max(self.tools.values(), default=0) if known is None else known

    def with_models(self, models: Mapping[str, Price], tools: Mapping[str, int] | None = None) -> Self:
        """This table with entries of the operator's, which come first."""
        named = {plain_name(name): price for name, price in models.items()}
        return replace(self, models={**self.models, **named}, tools={**self.tools, **(tools or {})})


def cost(usage: Usage, prices: Prices) -> int | None:
    """Micro-dollars of one answer, rounded up; None where a model of it has no price."""
    total = 0
    for model, tokens in ((usage.model, usage.tokens), *usage.besides):
        price = prices.of(model)
        if price is None:
            return None
        percent = (price.us_percent if usage.us_only else 100) * (price.batch_percent if usage.batch else 100)
        total += price.rates_for(tokens.prompt, fast=usage.fast).of(tokens) * percent
    # In parts of 10^10 of a micro-dollar: a rate is for a million tokens, and two percentages were multiplied.
    in_tokens = -(-total // (PER * 100 * 100))
    return in_tokens + sum(uses * prices.of_tool(name) for name, uses in usage.tools.items())


_PROVIDER = re.compile(r"(?:(?:us|eu|apac|au|jp|global)\.)?anthropic[./]")
_SUFFIX = re.compile(r"(?:-v[0-9]+(?::[0-9]+)?|\[1m\]|-latest|[-@](?:latest|default|20[0-9]{6}))\Z")
_OLD_ORDER = re.compile(r"claude-(3(?:-[57])?)-(opus|sonnet|haiku)")
_ZERO = re.compile(r"(claude-[a-z]+-[0-9]+)-0")
LONGEST_NAME: Final = 200


def plain_name(model: str) -> str:
    """A model's name without provider, snapshot and spelling: `anthropic.claude-opus-4-5-20251101-v1:0` is `claude-opus-4-5`.

    Only what cannot name another model is taken off, so no name is read as that of a cheaper one. Names of others' models
    are left as they are.
    """
    name = model[:LONGEST_NAME].lower()
    name = name[found.end() :] if (found := _PROVIDER.match(name)) else name
    if not name.startswith("claude-"):
        return model[:LONGEST_NAME]
    while (found := _SUFFIX.search(name)) is not None:
        name = name[: found.start()]
    name = name.replace(".", "-")
    if found := _OLD_ORDER.fullmatch(name):
        name = f"claude-{found[2]}-{found[1]}"
    if found := _ZERO.fullmatch(name):
        name = found[1]
    return name


SERVER_TOOLS: Final[Mapping[str, int]] = {WEB_SEARCH: 10_000, WEB_FETCH: 0, CONTAINER: 50_000}
"""Ten dollars for a thousand searches, fetches are free, five cents for a container's hour. From the vendor's pricing page."""
