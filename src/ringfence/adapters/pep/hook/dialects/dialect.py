"""What the dialect of a client does, and what several of them share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from ringfence.engine.local.asked import Answer, Event

LONGEST_NAME: Final = 200
LONGEST_PATH: Final = 4096
MOST_USES: Final = 500
_TOOL: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_USE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,120}")
_MCP: Final = "mcp__"


@dataclass(frozen=True, slots=True)
class Malformed:
    """It is no event of this client."""

    why: str
    about: Event | None = None
    """As much of it as says how to refuse it, where that is known."""


class Dialect(Protocol):
    """One client's way of speaking. Both methods are pure and total."""

    def event(self, value: Mapping[str, Any]) -> Event | Malformed:
        """What the client tells of."""
        ...

    def answer(self, event: Event | None, answer: Answer) -> Mapping[str, Any]:
        """What it is told, as an object. `event` None: nobody could read it, so the answer has to refuse whatever it was."""
        ...


def text_at(value: Mapping[str, Any], key: str, most: int = LONGEST_NAME) -> str:
    """A text, cut where it is longer; empty where there is none."""
    found = value.get(key)
    return found[:most] if isinstance(found, str) else ""


def object_at(value: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    found = value.get(key)
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else None


def tool_name(value: Mapping[str, Any]) -> str | Malformed:
    found = value.get("tool_name")
    if not isinstance(found, str) or _TOOL.fullmatch(found) is None:
        return Malformed("it names no tool")
    return found


def use_id(value: Mapping[str, Any]) -> str | Malformed:
    """The model's id of a use; empty where the client says none."""
    found = value.get("tool_use_id")
    if found is None:
        return ""
    if not isinstance(found, str) or _USE.fullmatch(found) is None:
        return Malformed("its tool_use_id is none")
    return found


def server_of(tool: str, value: Mapping[str, Any]) -> str | Malformed:
    """The MCP server of a tool, as the client calls it; empty: it is no such tool.

    Names of servers may hold what parts them from the tool's, so what the client says beside it counts, where it fits the name.
    """
    if not tool.startswith(_MCP):
        return ""
    named = object_at(value, "mcp_server")
    said = text_at(named, "name") if named is not None else ""
    if said:
        written = re.sub(r"[^A-Za-z0-9_-]", "_", said)
        return said if tool.startswith(f"{_MCP}{written}__") else Malformed("its server is not that of its tool")
    server, parted, _ = tool.removeprefix(_MCP).partition("__")
    return server if parted and server else Malformed("it names no server")
