"""What the ledger keeps: meters, and what one call takes from each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ringfence.core.model.identifiers import Millis


class MeterKind(StrEnum):
    """What a meter counts."""

    RATE = "rate"
    """Calls in time."""
    OPEN = "open"
    """Calls under way."""
    SUM = "sum"
    """An argument's running total, in millionths."""
    ROWS = "rows"
    """Rows of results. The price is known afterwards."""
    DISTINCT = "distinct"
    """Different values of an argument."""
    LEAVING = "leaving"
    """Bytes, or records, that left for outside."""
    SPEND = "spend"
    """What requests to models cost, in micro-units of the price table's money. Held at the most, known exactly afterwards."""
    TOKENS = "tokens"
    """Tokens that models took in and gave out."""
    TOKENS_IN = "tokens_in"
    TOKENS_OUT = "tokens_out"
    MODEL_CALLS = "model_calls"
    """Requests to models in time, or of a run."""
    STREAMS = "streams"
    """Requests to models under way."""
    ACTIONS = "actions"
    """Calls and requests to models together, of a run that stops at so many."""
    FILES = "files"
    """Different files that the tools of an agent's client wrote or deleted."""
    LINES = "lines"
    """Lines that its file tools added, changed and took away."""


OF_MODELS: Final = frozenset(
    {MeterKind.SPEND, MeterKind.TOKENS, MeterKind.TOKENS_IN, MeterKind.TOKENS_OUT, MeterKind.MODEL_CALLS}
)
"""Added up over requests to models, each at its most until its true price is known."""
OF_VALUES: Final = frozenset({MeterKind.DISTINCT, MeterKind.FILES})
"""What counts different values, each once."""
AT_ONCE: Final = frozenset({MeterKind.OPEN, MeterKind.STREAMS})
"""What is under way."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What one call takes from one meter, with the cap that it must stay under."""

    meter: str
    """`KIND:OWNER:WHAT`; the owner is `gateway`, `team/NAME`, `agent/ID`, `server/ID`, `tool/ID` or `run/ID`."""
    kind: MeterKind
    cap: int
    """The most; of a rate: how many at once."""
    amount: int = 1
    span: int = 0
    """The window in milliseconds, 0 for as long as the run; of a rate: microseconds between two calls."""
    values: tuple[str, ...] = ()
    """Digests of the values, where different ones are counted."""
    finish: int = 0
    """Of a held call on a rate: when its share has passed, in microseconds."""


@dataclass(frozen=True, slots=True)
class Meter:
    """One meter. Immutable: the ledger's moves give a new one."""

    kind: MeterKind
    span: int = 0
    at: Millis = 0
    """The latest time that it has seen. It never goes back, whatever the clock does."""
    held: int = 0
    extra: int = 0
    """What an operator has added to the cap."""
    passed: int = 0
    """Of a rate: the theoretical arrival time, in microseconds."""
    parts: tuple[tuple[Millis, int], ...] = ()
    """What was spent, by the start of the part of the window in which it was, oldest first."""
    values: Mapping[str, tuple[int, Millis]] = field(default_factory=dict[str, tuple[int, Millis]])
    """Per value: how many calls hold it, and when one was last spent on it (-1: never)."""
