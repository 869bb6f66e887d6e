"""What a request will probably use, learnt per model from what its answers reported. For people, never for what is reserved.

A reservation must hold for any text, so it takes the bound (`core.metering.bound`), which is far more than most requests use.
Beside it stands what is probable: so many tokens for a byte as this model's prompts had so far, and as many tokens of answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.metering.bound import Bound
from ringfence.core.metering.prices import Prices, cost
from ringfence.core.metering.request import ModelRequest
from ringfence.core.metering.tokens import Tokens, Usage
from ringfence.core.model.model_use import ModelUse

PPM: Final = 1_000_000
LEAST: Final = PPM // 20
"""One token for twenty bytes."""
MOST: Final = PPM
"""One token for each byte."""
WEIGHT: Final = 8
"""A new answer counts for an eighth."""
FEWEST_BYTES: Final = 256
"""Shorter requests say little about texts."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """Of one model."""

    ratio: int
    """Tokens for a million bytes of a request."""
    output: int
    """Tokens of an answer."""
    answers: int = 1
    """From how many it is known."""


def learn(learnt: Learnt | None, request: ModelRequest, used: ModelUse) -> Learnt | None:
    """With one more answer that said what it used. It never leaves its bounds, whatever is reported."""
    if not is_plain(request) or request.text_bytes < FEWEST_BYTES or used.tokens_in <= 0:
        return learnt
    ratio = min(max(used.tokens_in * PPM // request.text_bytes, LEAST), MOST)
    if learnt is None:
        return Learnt(ratio, used.tokens_out)
    weight = min(learnt.answers + 1, WEIGHT)
    return Learnt(
        learnt.ratio + (ratio - learnt.ratio) // weight,
        learnt.output + (used.tokens_out - learnt.output) // weight,
        learnt.answers + 1,
    )


def likely(learnt: Learnt | None, request: ModelRequest, bound: Bound, prices: Prices) -> ModelUse | None:
    """What a request will probably use, within what it can; None: nothing is known that would tell."""
    if learnt is None or not is_plain(request):
        return None
    prompt = min(-(-request.text_bytes * learnt.ratio // PPM), bound.prompt)
    output = min(learnt.output, bound.output)
    tokens = Tokens(plain=prompt, output=output)
    micro = cost(Usage(model=request.model, tokens=tokens, fast=request.fast, us_only=request.geo == "us"), prices)
    if micro is None:
        return None
    return ModelUse(micro=min(micro, bound.micro), tokens_in=prompt, tokens_out=output)


def is_plain(request: ModelRequest) -> bool:
    """Whether its length says something: one turn of one model over texts."""
    others = request.images or request.documents or request.remote or request.server_tools or request.mcp_servers
    return not (others or request.container or request.fallbacks or request.fallbacks_unknown or request.compacts)
