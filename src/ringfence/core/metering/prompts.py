"""What a request tells its model about itself, in parts that can be compared between runs: digests, never the words. Pure.

Clients write what changes into their prompts: the time, a version, numbers of a session. So digits count for nothing here, nor
does the line that the vendor's client puts in front for its bills, nor what only tells the vendor what to cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ringfence.core.metering.alike import DIGITS
from ringfence.core.strict_json.canonical import canonical_bytes
from ringfence.errors import RequestError

MOST_PARTS: Final = 16
"""Blocks of a system prompt that are told apart; the last one stands for all further ones."""
MOST_TOOLS: Final = 1000
_LONGEST_NAME: Final = 100
_BILLS: Final = "x-anthropic-billing-header"


class Part(NamedTuple):
    """One block of a system prompt, or one definition of a tool."""

    name: str
    """Of a block: which one it is, from `1`. Of a tool: its name."""
    digest: str
    """The first 32 characters of a SHA-256."""


def system_key(digest: str | None) -> str:
    """What stands for a whole system prompt among those that were looked at; empty: there is none."""
    return f"system {digest}" if digest else ""


def tools_key(digest: str | None) -> str:
    """What stands for a whole list of tools among those that were looked at."""
    return f"tools {digest}" if digest else ""


def prompt_parts(system: Any) -> tuple[Part, ...]:
    """The blocks of a system prompt."""
    blocks: list[Any] = [system] if isinstance(system, str) else system if isinstance(system, list) else []
    texts = [text for block in blocks if (text := _text(block)) is not None and not text.startswith(_BILLS)]
    first, rest = texts[: MOST_PARTS - 1], texts[MOST_PARTS - 1 :]
    parts = [*first, "\0".join(rest)] if rest else first
    return tuple(Part(str(place), _digest(text.encode("utf-8", "surrogatepass"))) for place, text in enumerate(parts, start=1))


def tool_parts(tools: Sequence[Any]) -> tuple[Part, ...]:
    """The definitions of tools, the first of each name."""
    found: dict[str, Part] = {}
    for tool in tools[:MOST_TOOLS]:
        name = tool.get("name") if isinstance(tool, Mapping) else None
        if not isinstance(name, str) or name[:_LONGEST_NAME] in found:
            continue
        try:
            written = canonical_bytes({key: value for key, value in tool.items() if key != "cache_control"})
        except RequestError:
            written = b"?"
        found[name[:_LONGEST_NAME]] = Part(name[:_LONGEST_NAME], _digest(written))
    return tuple(found.values())


def _text(block: Any) -> str | None:
    if isinstance(block, str):
        return block
    text = block.get("text") if isinstance(block, Mapping) else None
    return text if isinstance(text, str) else None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data.translate(None, DIGITS)).hexdigest()[:32]
