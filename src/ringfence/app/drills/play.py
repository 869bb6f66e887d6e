"""What a played server shows and answers, as values and as JSON between the driver and the server process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

Json = Mapping[str, Any]

READY: str = "playing"
"""First word of the line that the server process prints; the port follows."""


def of_model(model: str) -> str:
    """How a model stands among the servers in the log of what was executed."""
    return f"model:{model}"


@dataclass(frozen=True, slots=True)
class PlayedTool:
    """One tool as it is listed."""

    name: str
    description: str
    schema: Json
    output: Json | None = None
    """The schema that its results follow, where it declares one."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one call brings back: text, or structured content."""

    result: Json | str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """The reply to exactly these arguments."""

    tool: str
    arguments: Json
    reply: Reply


@dataclass(frozen=True, slots=True)
class Play:
    """One server: its tools, and what it answers. A call that no line has is answered with `done`."""

    tools: tuple[PlayedTool, ...]
    lines: tuple[Line, ...] = ()
    resources: Mapping[str, str] = field(default_factory=dict[str, str])
    """Texts by URI."""

    def reply_to(self, tool: str, arguments: Json) -> Reply:
        """The first line that fits, else a plain success."""
        for line in self.lines:
            if line.tool == tool and line.arguments == arguments:
                return line.reply
        return Reply("done")

    def described(self, tool: str, description: str) -> Play:
        """The same server with another description of one tool."""
        tools = tuple(replace(one, description=description) if one.name == tool else one for one in self.tools)
        return replace(self, tools=tools)


def as_json(play: Play) -> dict[str, Any]:
    """The form in which the driver hands a play over."""
    return {
        "tools": [
            {"name": tool.name, "description": tool.description, "schema": dict(tool.schema), "output": tool.output}
            for tool in play.tools
        ],
        "lines": [
            {"tool": line.tool, "arguments": dict(line.arguments), "result": line.reply.result, "error": line.reply.is_error}
            for line in play.lines
        ],
        "resources": dict(play.resources),
    }


def from_json(value: Json) -> Play:
    """The inverse of `as_json`. Raises: KeyError, TypeError."""
    return Play(
        tools=tuple(PlayedTool(tool["name"], tool["description"], tool["schema"], tool["output"]) for tool in value["tools"]),
        lines=tuple(
            Line(line["tool"], line["arguments"], Reply(line["result"], bool(line["error"]))) for line in value["lines"]
        ),
        resources=dict(cast("Mapping[str, str]", value["resources"])),
    )
