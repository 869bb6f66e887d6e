"""How long a prompt probably is, learnt per model from what answers reported. For showing, never for what is reserved.

A reservation must hold for any text, so it takes the bound (`core.metering.bound`). What people are shown beforehand may be
wrong, so it takes the ratio of tokens to bytes that this model had so far.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

PPM: Final = 1_000_000
LEAST: Final = PPM // 20
"""One token for twenty bytes."""
MOST: Final = PPM
"""One token for each byte."""
FIRST: Final = PPM // 3
"""What is assumed of a model that has not answered yet."""
WEIGHT: Final = 8
"""A new answer counts for an eighth."""
FEWEST_BYTES: Final = 256
"""Shorter requests say little about texts."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """Tokens for a million bytes, and from how many answers it is known."""

    ratio: int = FIRST
    answers: int = 0


def learn(learnt: Learnt, text_bytes: int, prompt_tokens: int) -> Learnt:
    """With one more answer to a request without images and documents. It never leaves its bounds, whatever is reported."""
    if text_bytes < FEWEST_BYTES or prompt_tokens <= 0:
        return learnt
    seen = min(max(prompt_tokens * PPM // text_bytes, LEAST), MOST)
    weight = min(learnt.answers + 1, WEIGHT)
    ratio = learnt.ratio + (seen - learnt.ratio) // weight
    return replace(learnt, ratio=min(max(ratio, LEAST), MOST), answers=learnt.answers + 1)


def estimate(learnt: Learnt, text_bytes: int) -> int:
    """Tokens that so many bytes of a request probably are."""
    return -(-text_bytes * learnt.ratio // PPM)
