"""What requests to models use, and how much of it the operator allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.model.identifiers import ServerId
from ringfence.core.model.meter import OF_MODELS, MeterKind

MODEL: Final = ServerId("model")
"""The server of requests to models. No configured server has this name."""
MOST_COUNTED: Final = 10**18
"""The largest cap, and the most that one request is counted as: in micro-units a million million."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUse:
    """What one request uses: at most, when it is reserved; exactly, when it is settled."""

    micro: int
    """Micro-units of the price table's money."""
    tokens_in: int
    """Of prompts, cache reads and writes among them."""
    tokens_out: int
    calls: int = 1
    """0: nothing is generated, so it counts neither as a request to a model nor as one under way."""

    def __post_init__(self) -> None:
        if min(self.micro, self.tokens_in, self.tokens_out, self.calls) < 0 or max(self.micro, self.tokens) > MOST_COUNTED:
            raise ValueError(f"a request uses from 0 to {MOST_COUNTED} of everything")

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    def of(self, kind: MeterKind) -> int:
        """What it takes from a meter of this kind."""
        match kind:
            case MeterKind.SPEND:
                return self.micro
            case MeterKind.TOKENS:
                return self.tokens
            case MeterKind.TOKENS_IN:
                return self.tokens_in
            case MeterKind.TOKENS_OUT:
                return self.tokens_out
            case _:
                return self.calls


NOTHING_USED: Final = ModelUse(micro=0, tokens_in=0, tokens_out=0, calls=0)


@dataclass(frozen=True, slots=True)
class ModelCap:
    """The most that requests to models may use together."""

    kind: MeterKind
    """One of `OF_MODELS`."""
    cap: int
    """Of a spend in micro-units."""
    window_ms: int = 0
    """Of any span of this length; 0: of the whole run with its child runs."""

    def __post_init__(self) -> None:
        if self.kind not in OF_MODELS or not 0 <= self.cap <= MOST_COUNTED:
            raise ValueError(f"no cap on {self.kind} of {self.cap}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLimits:
    """What requests to models may use."""

    caps: tuple[ModelCap, ...] = ()
    streams: int | None = None
    """Requests under way at once."""
    shrinks: bool | None = None
    """Near a cap an answer is made shorter instead of refused. None: not said."""


NO_MODEL_LIMITS: Final = ModelLimits()
