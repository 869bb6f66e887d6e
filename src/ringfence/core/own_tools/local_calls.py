"""`local.*`: what a run does with the tools of its own client, its shell, its file tools, its fetches.

Such a call is one like every other: framed, decided, counted and recorded by the same path. The hook endpoint alone frames one;
no agent is shown these tools, and none can call them over MCP. The client carries out what was allowed. What a call can do is
not in a profile that somebody wrote for its tool: it is read from its arguments (`core.model.local.Judgement`) for each call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ringfence.core.explaining.plain_text import plain
from ringfence.core.model.identifiers import ToolId
from ringfence.core.model.local import LOCAL, Judgement, Kind, Use
from ringfence.core.model.profile import WORST_PROFILE
from ringfence.core.model.tool import Tool
from ringfence.core.rules import ServerRule, ToolRule

LONGEST_S: Final = 6 * 3600.0
"""How long a call may be under way in its client before nobody knows what came of it: a subagent may work for hours."""
OTHER: Final = "Other"
"""Stands for every tool that nobody has described."""
INNER: Final = "Inner"
"""Stands for tools that touch nothing but the client's own notes, questions and processes."""
CHANGE: Final = "ConfigChange"
"""A change of the client's own configuration: not asked for by the model, always refused."""

MOST_SHOWN: Final = 5
"""Acts of one call that its card names."""
_SHOWN: Final = 100

_TOOLS: Final[Mapping[str, str]] = {
    "Bash": "Runs a command in a shell.",
    "Monitor": "Runs a command in a shell and watches what it prints.",
    "Read": "Reads a file.",
    "Edit": "Changes a part of a file.",
    "MultiEdit": "Changes parts of a file.",
    "Write": "Writes a file.",
    "NotebookEdit": "Changes a cell of a notebook.",
    "Patch": "Changes files by a patch.",
    "Glob": "Finds files by name.",
    "Grep": "Searches in files.",
    "WebFetch": "Fetches a page.",
    "WebSearch": "Searches the web.",
    "Agent": "Starts a subagent, which works in the same run.",
    "Skill": "Reads instructions that are kept beside the project.",
    INNER: "Works on the client's own notes and processes.",
    OTHER: "Another tool of the client.",
    CHANGE: "Changes the client's own settings.",
}
TOOLS: Final = frozenset(_TOOLS)
"""The canonical names. A dialect says how its client calls them."""

_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "input": {"type": "object", "description": "As the client's tool takes it."},
        "cwd": {
            "type": "string",
            "maxLength": 4096,
            "description": "Where it is done: the same words elsewhere do another thing.",
        },
        "tool": {"type": "string", "maxLength": 128, "description": "The client's own name of the tool, where it has another."},
    },
    "required": ["input", "cwd"],
    "additionalProperties": False,
}
SERVER: Final = ServerRule(id=LOCAL, deadline_s=LONGEST_S)


def _definition(name: str, description: str) -> Mapping[str, Any]:
    return {"name": name, "title": name, "description": description, "inputSchema": _SCHEMA}


def _rule(name: str) -> ToolRule:
    return ToolRule(
        id=tool_id(name),
        server=LOCAL,
        upstream_name=name,
        # Never used as it is: each call has a profile of its own. Where that is missing, the worst is assumed.
        profile=replace(
            WORST_PROFILE,
            # Paths, hosts and commands are judged one by one by checks of their own, and people's lists speak of them.
            authority=(),
            objects=("/input/command", "/input/file_path", "/input/notebook_path", "/input/path", "/input/url"),
            worst="It does what its client's tool can do.",
        ),
        closed=False,
    )


def tool_id(name: str) -> ToolId:
    """Of a canonical name: `local.Bash`."""
    return ToolId(f"{LOCAL}.{name}")


@dataclass(frozen=True, slots=True)
class LocalTool:
    """One of them."""

    rule: ToolRule
    definition: Mapping[str, Any]


LOCAL_TOOLS: Final[Mapping[ToolId, LocalTool]] = {
    tool_id(name): LocalTool(_rule(name), _definition(name, text)) for name, text in _TOOLS.items()
}


def arguments_of(name: str, client_name: str, given: Mapping[str, Any], cwd: str) -> dict[str, Any]:
    """The arguments of one call. `name` is canonical, `client_name` what the client calls its tool."""
    return {"input": given, "cwd": cwd, **({"tool": client_name} if client_name != name else {})}


def _worst(judgement: Judgement) -> str:
    """What is done, however it was wrapped up, and to which files, for the card; what is hard to undo first."""
    acts = sorted(judgement.acts, key=lambda act: act.profile.reversible and act.profile.bounded)
    shown = [
        plain(act.text if act.kind is Kind.COMMAND or not act.tool else f"{act.tool} {act.text}", _SHOWN)
        + (f" (through {plain(' > '.join(act.via), _SHOWN)})" if act.via else "")
        for act in acts[:MOST_SHOWN]
    ]
    if not shown:
        return ""
    said = [f"It does: {_listed(shown, len(acts))}."]
    commands = [act for act in acts if act.kind is Kind.COMMAND]
    for use, verb in ((Use.DELETE, "removes, empties or moves away"), (Use.WRITE, "writes")):
        paths = [*dict.fromkeys(each.path for act in commands for each in act.paths if each.use is use)]
        if paths:
            said.append(f"It {verb}: {_listed([plain(path, _SHOWN) for path in paths[:MOST_SHOWN]], len(paths))}.")
    return " ".join(said)


def _listed(shown: list[str], of: int) -> str:
    left = of - len(shown)
    return "; ".join(shown) + (f"; and {left} more" if left else "")


def judged(tool: Tool, judgement: Judgement) -> Tool:
    """The tool as this call uses it: it can do what its arguments say, and nothing else."""
    profile = judgement.profile
    objects, worst = profile.objects or tool.profile.objects, profile.worst or _worst(judgement) or tool.profile.worst
    authority = () if profile.authority is None else profile.authority
    return replace(tool, profile=replace(profile, authority=authority, objects=objects, worst=worst), conditional=())
