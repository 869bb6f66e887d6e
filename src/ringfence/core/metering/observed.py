"""What a model and its client said about tools, as far as the meter sees it: names, ids and digests, never the content.

These are observations. An agent's process writes the request, so nothing here is believed, counted as trusted words or used to
decide anything; it is recorded so that a run's history has no holes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringfence.core.model.identifiers import Digest
from ringfence.core.strict_json.canonical import canonical_bytes, digest_of
from ringfence.errors import RequestError

LONGEST_NAME: Final = 200
LONGEST_ID: Final = 120
_ID: Final = re.compile(rf"[A-Za-z0-9_.:-]{{0,{LONGEST_ID}}}")

_USES: Final = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """The model asked for a tool."""

    id: str
    name: str
    kind: str
    """`tool_use`: the client's own; `server_tool_use` and `mcp_tool_use`: the vendor runs it."""
    server: str = ""
    """Of an MCP server that the vendor connects to: its name."""
    arguments: Digest | None
    """Over the canonical JSON of its input; None: it cannot be read, or is too large."""
    size: int = 0
    """Bytes of its input as JSON text, where they are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """Somebody says what a tool returned."""

    id: str
    """Of the use that it belongs to."""
    kind: str
    content: Digest | None
    is_error: bool = False
    size: int = 0
    """Bytes of its content as canonical JSON."""


def use_in(block: Mapping[str, Any]) -> ToolUse | None:
    """The tool that a content block asks for; None: it asks for none."""
    kind = block.get("type")
    if not isinstance(kind, str) or kind not in _USES:
        return None
    return ToolUse(
        id=_id_of(block, "id"),
        name=text_of(block, "name", LONGEST_NAME),
        kind=kind,
        server=text_of(block, "server_name", LONGEST_NAME),
        arguments=(measured := _measured(block.get("input")))[0],
        size=measured[1],
    )


def result_in(block: Mapping[str, Any]) -> ToolResult | None:
    """The result that a content block gives; None: it gives none."""
    kind = block.get("type")
    if not isinstance(kind, str) or not kind.endswith("tool_result"):
        return None
    return ToolResult(
        id=_id_of(block, "tool_use_id"),
        kind=kind[:LONGEST_NAME],
        content=(measured := _measured(block.get("content")))[0],
        size=measured[1],
        is_error=block.get("is_error") is True,
    )


def _id_of(block: Mapping[str, Any], key: str) -> str:
    given = block.get(key)
    return plain_id(given) if isinstance(given, str) else ""


def use_key(id: object) -> str:
    """What stands for a tool use among those that were noted."""
    return f"use {plain_id(id)}" if isinstance(id, str) else ""


def result_key(id: object) -> str:
    """What stands for the result of a tool use among those that were noted."""
    return f"result {plain_id(id)}" if isinstance(id, str) else ""


def plain_id(id: str) -> str:
    """An id as it is recorded: itself, where it is written like one. Whatever else somebody puts there is a digest."""
    return id if _ID.fullmatch(id) else f"sha256:{hashlib.sha256(id.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def text_of(block: Mapping[str, Any], key: str, most: int) -> str:
    """A member that is text, cut; empty where it is none."""
    value = block.get(key)
    return value[:most] if isinstance(value, str) else ""


def _measured(value: Any) -> tuple[Digest | None, int]:
    """The digest of a value, and the bytes of its canonical JSON."""
    try:
        written = canonical_bytes(value)
    except RequestError:
        return None, 0
    return Digest(hashlib.sha256(written).hexdigest()), len(written)


def digest_or_none(value: Any) -> Digest | None:
    """None where the value has no canonical form."""
    try:
        return digest_of(value)
    except RequestError:
        return None
