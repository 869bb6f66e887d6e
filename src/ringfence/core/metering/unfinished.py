"""How much was made of an answer that did not end: never less than it said, never more than was reserved.

What a stream has counted is certain. What it has shown since is bounded by its bytes, as a prompt is: no token is shorter than
one. Two things are not shown. Thinking may be summarised, left out or encrypted, so wherever a model may be thinking its whole
budget stands, or all that it may say where it has none. And a model does not stop in the moment in which a connection is
closed: `AHEAD` stands for what it had made by then and what had not arrived.

Source: Anthropic Messages API, streaming: `output_tokens` are running totals; a block of thinking is announced by
`content_block_start`, whatever of it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfence.core.metering.request import ModelRequest

AHEAD: Final = 256
"""Tokens. Several seconds of most models, one of the fastest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What has come of a stream since it last counted its output."""

    size: int = 0
    """Bytes of content, as JSON writes them."""
    is_shown: bool = False
    """A block is being written of which every token is shown: a text, or what a tool is to be given."""
    has_hidden: bool = False
    """There was a block of another kind."""


def most_made(counted: int, seen: Seen, request: ModelRequest, most: int) -> int:
    """Output tokens of an answer of one turn by one model, at most. `counted`: by the answer itself; `most`: reserved."""
    hidden = 0
    if seen.has_hidden or (request.may_think and not seen.is_shown):
        hidden = request.thinking or most
    return max(counted, min(most, counted + seen.size + hidden + AHEAD))
